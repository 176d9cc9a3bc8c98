using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Countersign.DataPlane.Upstream;
using Countersign.Policy;

namespace Countersign.Kit;

/// <summary>One connection that the gateway opened, seen from the upstream.</summary>
internal sealed class UpstreamSession(MemoryConnection connection, IPEndPoint address)
{
    private readonly WireReader _reader = new(connection.FarInput);

    /// <summary>The connection.</summary>
    internal MemoryConnection Connection => connection;

    /// <summary>The address it was opened to.</summary>
    internal IPEndPoint Address => address;

    /// <summary>The next request; null once the gateway has closed.</summary>
    internal Task<WireMessage?> ReadAsync() => _reader.ReadAsync(isResponse: false);

    /// <summary>Waits until that many bytes of request are there, takes none.</summary>
    internal Task WaitForAsync(int count) => _reader.WaitForAsync(count);

    /// <summary>Sends Latin-1 text as bytes.</summary>
    internal Task WriteAsync(string text) => WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Sends bytes.</summary>
    internal async Task WriteAsync(ReadOnlyMemory<byte> bytes) => await connection.FarOutput.WriteAsync(bytes);

    /// <summary>Ends the connection in order.</summary>
    internal void Close() => connection.CloseFar();

    /// <summary>Resets the connection.</summary>
    internal void Reset() => connection.ResetFar();
}

/// <summary>
/// An upstream behind the dialer. By default it answers every request with <see cref="Reply"/>; a
/// <see cref="Script"/> takes over whole connections.
/// </summary>
internal sealed class ScriptedUpstream : IUpstreamDialer, INameResolver
{
    private readonly ConcurrentQueue<WireMessage> _requests = new();
    private int _dials;

    /// <summary>What it answers; null closes the connection instead.</summary>
    internal Func<WireMessage, string?> Reply { get; set; } = _ => Json("{}");

    /// <summary>What it does with a connection, instead of replying.</summary>
    internal Func<UpstreamSession, Task>? Script { get; set; }

    /// <summary>Awaited before a connection is opened.</summary>
    internal Func<Task>? BeforeDial { get; set; }

    /// <summary>Meets a connection's server, as the dialer does for https; null leaves it in the clear.</summary>
    internal Func<MemoryConnection, Task<Dialled>>? Meeting { get; set; }

    /// <summary>True refuses every connection.</summary>
    internal bool IsAway { get; set; }

    /// <summary>Addresses that refuse connections.</summary>
    internal HashSet<IPAddress> Refusing { get; } = [];

    /// <summary>What names resolve to; a name that is not listed has one address.</summary>
    internal Dictionary<string, IPAddress[]> Names { get; } = [];

    /// <summary>The addresses that were dialled, refused ones included, in order.</summary>
    internal ConcurrentQueue<IPAddress> Dialled { get; } = new();

    /// <summary>What the last connection's TLS terms and time to connect were.</summary>
    internal (UpstreamTls? Tls, TimeSpan Within) LastTerms { get; private set; }

    /// <summary>Connections opened.</summary>
    internal int Dials => Volatile.Read(ref _dials);

    /// <summary>Whole requests received, in order.</summary>
    internal IReadOnlyList<WireMessage> Requests => [.. _requests];

    /// <summary>A 200 with a JSON body.</summary>
    internal static string Json(string body, string fields = "") =>
        $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{fields}"
        + $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n"
        + Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(body));

    /// <summary>Notes a request that a script has read.</summary>
    internal void Note(WireMessage request) => _requests.Enqueue(request);

    /// <inheritdoc/>
    public async ValueTask<Dialled> DialAsync(IPEndPoint address, Uri endpoint, UpstreamTls? tls, TimeSpan within)
    {
        Dialled.Enqueue(address.Address);
        LastTerms = (tls, within);
        if (BeforeDial is { } before) await before();
        if (IsAway || Refusing.Contains(address.Address)) return new Dialled(null);
        Interlocked.Increment(ref _dials);
        MemoryConnection connection = new();
        _ = RunAsync(new UpstreamSession(connection, address));
        return Meeting is { } meeting ? await meeting(connection) : new Dialled(connection);
    }

    /// <inheritdoc/>
    public ValueTask<IPAddress[]> ResolveAsync(string host, TimeSpan within) =>
        new(Names.GetValueOrDefault(host, [IPAddress.Parse("192.0.2.1")]));

    private async Task RunAsync(UpstreamSession session)
    {
        if (Script is { } script)
        {
            await script(session);
            return;
        }

        while (await session.ReadAsync() is { IsWhole: true } request)
        {
            _requests.Enqueue(request);
            if (Reply(request) is { } reply)
            {
                await session.WriteAsync(reply);
                continue;
            }

            session.Close();
            return;
        }
    }
}
