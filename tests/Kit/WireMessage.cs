using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;

namespace Countersign.Kit;

/// <summary>One HTTP message as it stood on the wire, read by other code than the gateway's.</summary>
internal sealed class WireMessage(string head, byte[] body, IReadOnlyList<string> trailers, bool isWhole)
{
    private readonly string[] _lines = head.Split("\r\n");

    /// <summary>The head without its empty line.</summary>
    internal string Head => head;

    /// <summary>The request line or status line.</summary>
    internal string Line => _lines[0];

    /// <summary>The body, decoded if it was chunked.</summary>
    internal byte[] Body => body;

    /// <summary>The body as UTF-8.</summary>
    internal string Text => Encoding.UTF8.GetString(body);

    /// <summary>Trailer lines.</summary>
    internal IReadOnlyList<string> Trailers => trailers;

    /// <summary>False if the connection ended before the message did.</summary>
    internal bool IsWhole => isWhole;

    /// <summary>A response's status.</summary>
    internal int Status => int.Parse(Line.Split(' ')[1], CultureInfo.InvariantCulture);

    /// <summary>The body as JSON.</summary>
    internal JsonElement Json => JsonDocument.Parse(body).RootElement;

    /// <summary>The values of a field, in order.</summary>
    internal IReadOnlyList<string> All(string name) =>
        [.. _lines.Skip(1).Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            .Select(line => line[(name.Length + 1)..].Trim())];

    /// <summary>The value of a field that is there once; null if it is not there.</summary>
    internal string? Field(string name) => All(name).SingleOrDefault();
}

/// <summary>Reads messages from a pipe, one after another.</summary>
internal sealed class WireReader(PipeReader input)
{
    // A hang would otherwise take the whole run with it; no test depends on how long this is.
    internal static readonly TimeSpan HangGuard = TimeSpan.FromSeconds(20);
    private byte[] _held = [];
    private bool _isEnded;

    /// <summary>The next message; null if the connection ended before its first byte.</summary>
    /// <param name="hasBody">False for the answer to HEAD.</param>
    /// <param name="isResponse">A response without framing lasts until the connection ends.</param>
    internal async Task<WireMessage?> ReadAsync(bool isResponse, bool hasBody = true)
    {
        int end;
        while ((end = _held.AsSpan().IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (await MoreAsync()) continue;
            return _held.Length == 0 ? null : new WireMessage(Encoding.Latin1.GetString(_held), [], [], false);
        }

        string head = Encoding.Latin1.GetString(_held, 0, end);
        _held = _held[(end + 4)..];
        WireMessage bare = new(head, [], [], true);
        int status = isResponse ? bare.Status : 0;
        if (!hasBody || status is 204 or 304 or (> 0 and < 200)) return bare;
        if (bare.Field("Transfer-Encoding") is not null) return await ReadChunksAsync(head);
        string? length = bare.Field("Content-Length");
        if (length is null && !isResponse) return bare;
        return await ReadLengthAsync(head, length is null ? int.MaxValue : int.Parse(length,
            CultureInfo.InvariantCulture));
    }

    /// <summary>Everything until the connection ends.</summary>
    internal async Task<byte[]> ReadToEndAsync()
    {
        while (await MoreAsync())
        {
            // The bytes are kept.
        }

        return Take(_held.Length);
    }

    /// <summary>Waits until that many bytes are there, takes none.</summary>
    internal async Task WaitForAsync(int count)
    {
        while (_held.Length < count && await MoreAsync())
        {
            // The bytes are kept.
        }
    }

    private async Task<WireMessage> ReadLengthAsync(string head, int length)
    {
        while (_held.Length < length && await MoreAsync())
        {
            // The bytes are kept.
        }

        bool isWhole = length == int.MaxValue || _held.Length >= length;
        return new WireMessage(head, Take(Math.Min(length, _held.Length)), [], isWhole);
    }

    private async Task<WireMessage> ReadChunksAsync(string head)
    {
        using MemoryStream body = new();
        while (true)
        {
            if (await LineAsync() is not { } size) return new WireMessage(head, body.ToArray(), [], false);
            int count = int.Parse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (count == 0) break;
            while (_held.Length < count + 2)
            {
                if (!await MoreAsync()) return new WireMessage(head, [.. body.ToArray(), .. _held], [], false);
            }

            body.Write(Take(count));
            if (!Take(2).AsSpan().SequenceEqual("\r\n"u8)) throw new InvalidDataException("a chunk without its end");
        }

        List<string> trailers = [];
        while (await LineAsync() is { } line)
        {
            if (line.Length == 0) return new WireMessage(head, body.ToArray(), trailers, true);
            trailers.Add(line);
        }

        return new WireMessage(head, body.ToArray(), trailers, false);
    }

    private async Task<string?> LineAsync()
    {
        int end;
        while ((end = _held.AsSpan().IndexOf("\r\n"u8)) < 0)
        {
            if (!await MoreAsync()) return null;
        }

        string line = Encoding.Latin1.GetString(_held, 0, end);
        _held = _held[(end + 2)..];
        return line;
    }

    private byte[] Take(int count)
    {
        byte[] taken = _held[..count];
        _held = _held[count..];
        return taken;
    }

    private async Task<bool> MoreAsync()
    {
        if (_isEnded) return false;
        ReadResult result = await input.ReadAsync().AsTask().WaitAsync(HangGuard);
        if (!result.Buffer.IsEmpty) _held = [.. _held, .. result.Buffer.ToArray()];
        input.AdvanceTo(result.Buffer.End);
        _isEnded = result.IsCompleted;
        return !result.Buffer.IsEmpty || !_isEnded;
    }
}
