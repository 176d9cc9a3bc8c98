using System.Net;
using System.Text;
using Countersign.Audit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>A witness that anybody could run: C2SP tlog-witness on loopback.</summary>
internal sealed class WitnessServer : IAsyncDisposable
{
    private readonly CheckpointWitness _witness;
    private readonly HttpListener _listener;
    private Task _serving = Task.CompletedTask;

    private WitnessServer(CheckpointWitness witness, HttpListener listener, string address)
    {
        (_witness, _listener, Address) = (witness, listener, address);
    }

    /// <summary>Its submission and monitoring prefix.</summary>
    internal string Address { get; }

    /// <summary>The log that it watches; null knows none.</summary>
    internal AuditKey? Log { get; set; }

    internal static Task<WitnessServer> StartAsync(CheckpointWitness witness)
    {
        // A port of the system's choosing: HttpListener takes none itself, so one is tried until it is free.
        for (int port = 20_000 + (Environment.ProcessId % 20_000); ; port++)
        {
            HttpListener listener = new();
            string address = $"http://127.0.0.1:{port}/w/";
            listener.Prefixes.Add(address);
            try
            {
                listener.Start();
            }
            catch (HttpListenerException)
            {
                continue;
            }

            WitnessServer server = new(witness, listener, address);
            server._serving = server.ServeAsync();
            return Task.FromResult(server);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
        _listener.Close();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                await AnswerAsync(context);
            }
        }
        catch (Exception fault) when (fault is HttpListenerException or ObjectDisposedException)
        {
            // It was stopped.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        byte[] answer;
        if (Log is not { } log) (context.Response.StatusCode, answer) = (404, []);
        else if (context.Request.HttpMethod == "GET") answer = _witness.Latest(log).ToArray();
        else
        {
            using MemoryStream body = new();
            await context.Request.InputStream.CopyToAsync(body);
            WitnessAnswer given = _witness.Add(body.ToArray(), log);
            context.Response.StatusCode = given.Status;
            answer = Encoding.UTF8.GetBytes(given.Body);
        }

        await context.Response.OutputStream.WriteAsync(answer);
        context.Response.Close();
    }
}
