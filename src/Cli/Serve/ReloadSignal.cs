using System.Runtime.InteropServices;

namespace Countersign.Cli.Serve;

/// <summary>Calls back on SIGHUP, by which operators ask a server to read its files again.</summary>
internal sealed class ReloadSignal : IDisposable
{
    private readonly PosixSignalRegistration _hangUp;

    internal ReloadSignal(Action reload) => _hangUp = PosixSignalRegistration.Create(
        PosixSignal.SIGHUP,
        signal =>
        {
            // Else it would end the process.
            signal.Cancel = true;
            reload();
        });

    /// <summary>Stops listening for the signal.</summary>
    public void Dispose() => _hangUp.Dispose();
}
