using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Countersign.Integration.Tests.Store;

/// <summary>
/// The wire between a gateway and its store, which can be cut at one command: before it reaches the store, or after the
/// store has it and before its answer comes back. Cut once; connections made afterwards pass.
/// </summary>
internal sealed class StoreWire : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _store;
    private readonly Lock _gate = new();
    private readonly List<TcpClient> _clients = [];
    private readonly Task _accepting;
    private Cut? _cut;

    /// <param name="store">The store's <c>host:port</c>.</param>
    internal StoreWire(string store)
    {
        _store = IPEndPoint.Parse(store);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>What a gateway connects to.</summary>
    internal string Connection => _listener.LocalEndpoint.ToString()!;

    /// <summary>Cuts the connection that sends a command with this argument; completes when it is cut.</summary>
    /// <param name="argument">The whole argument.</param>
    /// <param name="reachesStore">True lets the store have the command, and keeps its answer.</param>
    internal Task CutAt(string argument, bool reachesStore)
    {
        Cut cut = new(Encoding.ASCII.GetBytes($"${argument.Length}\r\n{argument}\r\n"), reachesStore);
        Volatile.Write(ref _cut, cut);
        return cut.Done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        lock (_gate)
        {
            foreach (TcpClient client in _clients) client.Dispose();
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient gateway = await _listener.AcceptTcpClientAsync(_stop.Token);
                TcpClient store = new();
                lock (_gate) _clients.AddRange([gateway, store]);
                await store.ConnectAsync(_store, _stop.Token);
                _ = PassAsync(gateway, store);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task PassAsync(TcpClient gateway, TcpClient store)
    {
        using TcpClient one = gateway, other = store;
        using CancellationTokenSource answers = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task back = BackAsync(store.GetStream(), gateway.GetStream(), answers.Token);
        byte[] buffer = new byte[64 * 1024];
        int kept = 0;
        try
        {
            while (true)
            {
                int read = await gateway.GetStream().ReadAsync(buffer.AsMemory(kept), _stop.Token);
                if (read == 0) return;
                Memory<byte> fresh = buffer.AsMemory(kept, read);
                Cut? cut = Volatile.Read(ref _cut);
                if (cut is not null && buffer.AsSpan(0, kept + read).IndexOf(cut.Command) >= 0)
                {
                    Volatile.Write(ref _cut, null);

                    // No answer passes from here on: only then may the store have the command.
                    await answers.CancelAsync();
                    await back;
                    if (cut.ReachesStore) await HandOverAsync(store.GetStream(), fresh);
                    gateway.Close();
                    cut.Done.TrySetResult();
                    return;
                }

                await store.GetStream().WriteAsync(fresh, _stop.Token);

                // A command may lie across two reads, so that the end of the last one is looked at again.
                int keep = Math.Min(kept + read, 64);
                buffer.AsSpan(kept + read - keep, keep).CopyTo(buffer);
                kept = keep;
            }
        }
        catch (Exception end) when (end is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // One side is gone.
        }
        finally
        {
            await answers.CancelAsync();
            await back;
        }
    }

    // The store has run the command when it answers it; what it says is kept here.
    private static async Task HandOverAsync(NetworkStream store, Memory<byte> command)
    {
        await store.WriteAsync(command);
        await store.ReadExactlyAsync(new byte[1]);
    }

    private static async Task BackAsync(NetworkStream store, NetworkStream gateway, CancellationToken stop)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await store.ReadAsync(buffer, stop) is var read and > 0)
                await gateway.WriteAsync(buffer.AsMemory(0, read), CancellationToken.None);
        }
        catch (Exception end) when (end is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // One side is gone.
        }
    }

    private sealed record Cut(byte[] Command, bool ReachesStore)
    {
        internal TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
