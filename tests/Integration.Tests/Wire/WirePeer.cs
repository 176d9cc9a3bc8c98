using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Countersign.Integration.Tests.EndToEnd;

namespace Countersign.Integration.Tests.Wire;

/// <summary>How the other end let go of a connection.</summary>
internal enum WireEnd
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>In order: it has sent all that it had.</summary>
    Finished,

    /// <summary>By a reset: what was sent may not be whole.</summary>
    Reset,
}

/// <summary>One end of a real connection, client or upstream, down to how it ends.</summary>
internal sealed class WirePeer(Socket socket) : IDisposable
{
    private readonly CancellationTokenSource _patience = new(CountersignProcess.PatienceMax);
    private readonly List<byte> _held = [];

    /// <summary>Bytes received so far.</summary>
    internal long ReceivedBytes { get; private set; }

    /// <summary>Connects.</summary>
    /// <param name="address">Of the listener.</param>
    /// <param name="receiveBytes">The kernel's receive buffer; 0 leaves it to the kernel.</param>
    internal static async Task<WirePeer> ConnectAsync(Uri address, int receiveBytes = 0)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBytes > 0) socket.ReceiveBufferSize = receiveBytes;
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address.Host), address.Port));
        return new WirePeer(socket);
    }

    /// <summary>Sends Latin-1 text as bytes.</summary>
    internal Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Sends bytes; throws <see cref="SocketException"/> where the other end has reset.</summary>
    internal async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[await socket.SendAsync(bytes, _patience.Token)..];
    }

    /// <summary>A head without its empty line; null if the connection ended before its first byte.</summary>
    internal async Task<string?> ReadHeadAsync()
    {
        while (true)
        {
            string text = Encoding.Latin1.GetString([.. _held]);
            int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                _held.RemoveRange(0, end + 4);
                return text[..end];
            }

            if (!await MoreAsync()) return null;
        }
    }

    /// <summary>So many bytes.</summary>
    internal async Task<string> ReadAsync(int count)
    {
        while (_held.Count < count)
        {
            if (!await MoreAsync()) throw new InvalidDataException("the connection ended before the message");
        }

        string text = Encoding.Latin1.GetString([.. _held[..count]]);
        _held.RemoveRange(0, count);
        return text;
    }

    /// <summary>A head, and the body that its Content-Length tells.</summary>
    internal async Task<(string Head, string Body)> ReadMessageAsync()
    {
        string head = await ReadHeadAsync() ?? throw new InvalidDataException("the connection ended without a message");
        const string Length = "content-length: ";
        string? line = Array.Find(
            head.Split("\r\n"), one => one.StartsWith(Length, StringComparison.OrdinalIgnoreCase));
        int count = line is null ? 0 : int.Parse(line.AsSpan(Length.Length), CultureInfo.InvariantCulture);
        return (head, await ReadAsync(count));
    }

    /// <summary>Reads and drops what still comes; how it ended.</summary>
    internal async Task<WireEnd> EndsAsync()
    {
        byte[] buffer = new byte[65_536];
        try
        {
            while (true)
            {
                int count = await socket.ReceiveAsync(buffer, _patience.Token);
                if (count == 0) return WireEnd.Finished;
                ReceivedBytes += count;
            }
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionReset)
        {
            return WireEnd.Reset;
        }
    }

    /// <summary>Sends no more, and goes on reading.</summary>
    internal void FinishSending() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>Resets the connection.</summary>
    internal void Reset()
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Close();
    }

    public void Dispose()
    {
        socket.Dispose();
        _patience.Dispose();
    }

    private async Task<bool> MoreAsync()
    {
        byte[] buffer = new byte[16_384];
        int count = await socket.ReceiveAsync(buffer, _patience.Token);
        _held.AddRange(buffer.AsSpan(0, count));
        ReceivedBytes += count;
        return count > 0;
    }
}
