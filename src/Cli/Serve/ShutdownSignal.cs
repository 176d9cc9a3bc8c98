using System.Runtime.InteropServices;

namespace Countersign.Cli.Serve;

/// <summary>
/// Completes on SIGTERM, SIGINT or the command's own cancellation; the process then drains instead of dying. A second
/// signal is not held back: it ends the process at once, with the exit code of that signal.
/// </summary>
internal sealed class ShutdownSignal : IDisposable
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;
    private readonly CancellationTokenRegistration _cancelled;

    internal ShutdownSignal(CancellationToken cancellation)
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        _cancelled = cancellation.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), _asked);
    }

    /// <summary>Completes when shutdown was asked for.</summary>
    internal Task Asked => _asked.Task;

    /// <summary>Stops listening for signals.</summary>
    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _cancelled.Dispose();
    }

    private void Ask(PosixSignalContext signal)
    {
        signal.Cancel = _asked.TrySetResult();
    }
}
