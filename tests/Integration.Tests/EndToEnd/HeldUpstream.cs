using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>A function that takes requests and answers them only when the test says so.</summary>
internal sealed class HeldUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ended = new();
    private readonly List<Task> _serving = [];
    private int _requests;

    public HeldUpstream()
    {
        _listener.Start();
        _serving.Add(AcceptAsync());
    }

    /// <summary>Its endpoint.</summary>
    public string Address => "http://" + _listener.LocalEndpoint;

    /// <summary>Completes when the first request has arrived.</summary>
    public Task Arrived =>
        _arrived.Task.WaitAsync(CountersignProcess.PatienceMax, TestContext.Current.CancellationToken);

    /// <summary>Requests that have arrived.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Answers everything that waits, and everything after it.</summary>
    public void Release() => _released.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Stop();
        await Task.WhenAll(_serving);
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_ended.Token)));
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient served = client;
        try
        {
            NetworkStream stream = client.GetStream();
            byte[] head = new byte[16_384];
            int count = 0;
            while (!head.AsSpan(0, count).EndsWith("\r\n\r\n"u8))
            {
                int read = await stream.ReadAsync(head.AsMemory(count), _ended.Token);
                if (read == 0) return;
                count += read;
            }

            Interlocked.Increment(ref _requests);
            _arrived.TrySetResult();
            await _released.Task.WaitAsync(_ended.Token);
            const string Answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n"
                + "Connection: close\r\n\r\n{\"late\":true}";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Answer), _ended.Token);
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException)
        {
            // The gateway hung up, as it does on a function that does not answer; or the test is over.
        }
    }
}
