using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Countersign.DataPlane.Http;
using Countersign.Kit;

namespace Countersign.Fuzz;

/// <summary>The HTTP parsers: no crash, one outcome for every split, and nothing accepted that reads two
/// ways.</summary>
public sealed class HttpFuzz
{
    private static readonly Regex RespondAsync = new(
        "^[ \t]*respond-async[ \t]*(=(?<value>[^;]*))?(;.*)?$",
        RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.CultureInvariant);

    [Fact]
    public Task Request_heads() => FuzzRun.ForSeedsAsync(6_000, async random =>
    {
        // Proves that mutated requests have one outcome wherever they are cut, and that what is accepted is sound.
        byte[] bytes = FuzzRun.Mutate(random, Encoding.Latin1.GetBytes(Request(random)));
        string outcome = await SameForSplitsAsync(random, bytes, isRequest: true);
        if (outcome.EndsWith("end", StringComparison.Ordinal) && outcome != "end") CheckHead(bytes);
    });

    [Fact]
    public Task Response_heads() => FuzzRun.ForSeedsAsync(6_000, async random =>
    {
        // Proves the same for responses.
        string framing = FuzzRun.Pick(random, "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "");
        string status = FuzzRun.Pick(random, "200 OK", "204 No Content", "304 Not Modified", "100 Continue", "500");
        string body = framing.StartsWith('T') ? "3\r\nabc\r\n0\r\n\r\n" : "abc";
        string text = $"HTTP/1.{random.Next(2)} {status}\r\nA: b\r\n{framing}\r\n{body}";
        await SameForSplitsAsync(random, FuzzRun.Mutate(random, Encoding.Latin1.GetBytes(text)), isRequest: false);
    });

    [Fact]
    public Task Chunked_bodies() => FuzzRun.ForSeedsAsync(6_000, async random =>
    {
        // Proves that what was chunked is decoded to itself, and that mutated chunks have one outcome for every split.
        byte[] data = new byte[random.Next(200)];
        random.NextBytes(data);
        byte[] sound = [.. "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"u8, .. Chunks(random,
            data)];
        string outcome = await SameForSplitsAsync(random, sound, isRequest: true);
        Assert.Equal($"[POST / HTTP/1.1|{Encoding.Latin1.GetString(data)}|End]end", outcome);
        await SameForSplitsAsync(random, FuzzRun.Mutate(random, sound), isRequest: true);
    });

    [Fact]
    public Task Trailer_sections() => FuzzRun.ForSeedsAsync(20_000, random =>
    {
        // Proves that what goes on of an accepted section is sound lines, none of which frames or routes, and that
        // feeding the decoder byte by byte keeps the same section as feeding it whole.
        string section = string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => FuzzRun.Pick(random, "X: 1\r\n",
            "Digest: a=b\r\n", "Host: h\r\n", "Content-Length: 1\r\n", "Set-Cookie: a\r\n", "Y:\r\n", "te: x\r\n")));
        byte[] bytes = FuzzRun.Mutate(random, Encoding.Latin1.GetBytes("0\r\n" + section + "\r\n"));
        string whole = Trailers(bytes, bytes.Length);
        Assert.Equal(whole, Trailers(bytes, 1));
        Assert.Equal(whole, Trailers(bytes, random.Next(1, bytes.Length + 1)));
        string[] lines = whole.Split("\r\n");
        Assert.DoesNotContain(lines, line => line.AsSpan().ContainsAny('\r', '\n', '\0'));
        Assert.DoesNotContain(lines, line => line.Split(':')[0].ToUpperInvariant() is "HOST" or "TE" or "SET-COOKIE"
            || line.StartsWith("content-l", StringComparison.OrdinalIgnoreCase));
        return Task.CompletedTask;
    });

    [Fact]
    public Task Preferences() => FuzzRun.ForSeedsAsync(20_000, random =>
    {
        // Proves that mutated preferences never crash, never ask for more than a day or less than nothing, and are
        // found where a pattern of RFC 7240 finds them.
        string list = FuzzRun.Pick(random, "wait=10", "respond-async, wait=3", "wait=\"7\";a, b", "wait=99999999999",
            "respond-async=\"\";a=b", "respond-async=no, respond-async");
        RequestHead? head = Parse(random, "Prefer: ", list);
        if (head is null) return Task.CompletedTask;
        Assert.InRange(PreferField.WaitSeconds(head), -1, 86_400);
        string told = Encoding.Latin1.GetString(head.Value(FieldId.Prefer));
        bool isAsked = told.Split(',').FirstOrDefault(RespondAsync.IsMatch) is { } first
            && RespondAsync.Match(first).Groups["value"].Value.Trim(' ', '\t', '"').Length == 0;
        Assert.Equal(isAsked, PreferField.RespondsAsync(head));
        return Task.CompletedTask;
    });

    [Fact]
    public Task Forwarded() => FuzzRun.ForSeedsAsync(20_000, random =>
    {
        // Proves by counting quotes in another way that nothing accepted leaves a quote open before what is appended.
        string list = FuzzRun.Pick(random, "for=a;proto=http", "for=\"[::1]\", for=b", "for=\"a\\\"b\"",
            "a=b;;c=\"d\",");
        byte[] bytes = FuzzRun.Mutate(random, Encoding.Latin1.GetBytes(list));
        if (!ForwardedField.IsSound(bytes)) return Task.CompletedTask;
        bool isQuoted = false, isEscaped = false;
        foreach (byte one in bytes)
        {
            bool escapes = isQuoted && !isEscaped && one == '\\';
            if (one == '"' && !isEscaped) isQuoted = !isQuoted;
            isEscaped = escapes;
        }

        Assert.False(isQuoted, Encoding.Latin1.GetString(bytes));
        return Task.CompletedTask;
    });

    [Fact]
    public Task Hosts() => FuzzRun.ForSeedsAsync(20_000, random =>
    {
        // Proves that an accepted Host has one port at most and is read whole by another parser.
        string host = FuzzRun.Pick(random, "h", "h.test:80", "[2001:db8::1]:443", "192.0.2.1", "a-b_c~d:");
        byte[] bytes = FuzzRun.Mutate(random, Encoding.Latin1.GetBytes(host));
        if (!HostRules.IsSound(bytes)) return Task.CompletedTask;
        string text = Encoding.ASCII.GetString(bytes);
        string name = text.StartsWith('[') ? text[..(text.IndexOf(']', StringComparison.Ordinal) + 1)]
            : text.Split(':')[0];
        string rest = text[name.Length..];
        Assert.NotEqual("", name);
        Assert.DoesNotContain(name, one => one is ',' or '/' or '@' or '?' or '#' or '\\' or ' ' or '%');
        Assert.True(rest.Length == 0 || (rest[0] == ':' && rest[1..].All(char.IsAsciiDigit)), text);
        return Task.CompletedTask;
    });

    [Fact]
    public Task Path_rules() => FuzzRun.ForSeedsAsync(60_000, random =>
    {
        // Proves by decoding again and again that no accepted path hides a dot segment, a slash or an empty segment.
        StringBuilder path = new("/");
        for (int piece = random.Next(1, 7); piece > 0; piece--)
        {
            path.Append(FuzzRun.Pick(random, "a", "/", ".", "..", "%2e", "%2f", "%5C", "%25", "2e", "%32%65", "%00",
                "%c0%af", "%C3%A9", "%", "%zz"));
        }

        byte[] bytes = Encoding.ASCII.GetBytes(path.ToString());
        if (PathRules.CheckCharacters(bytes) != HttpFault.None
            || PathRules.Check(bytes) != HttpFault.None) return Task.CompletedTask;
        string decoded = path.ToString();
        int slashes = decoded.Count(one => one == '/');
        for (int round = 0; round < 3; round++)
        {
            decoded = Uri.UnescapeDataString(decoded);
            Assert.Equal(slashes, decoded.Count(one => one is '/' or '\\'));
            Assert.DoesNotContain(decoded.Split('/')[1..], one => one is "." or ".." || (one.Length == 0
                && decoded != "/"));
            Assert.DoesNotContain('\0', decoded);
        }

        return Task.CompletedTask;
    });

    private static RequestHead? Parse(Random random, string name, string value)
    {
        byte[] bytes = [.. "GET / HTTP/1.1\r\nHost: h\r\n"u8, .. Encoding.ASCII.GetBytes(name),
            .. FuzzRun.Mutate(random, Encoding.Latin1.GetBytes(value)), .. "\r\n\r\n"u8];
        RequestHead head = new();
        HeadReader reader = default;
        ParseStatus status = reader.TryLoad(new ReadOnlySequence<byte>(bytes), head, 32_768, out _, out _);
        bool isSound = status == ParseStatus.Complete
            && RequestParser.Parse(head, MessageRun.Bounds) == HttpFault.None;
        return isSound ? head : null;
    }

    // What goes on of the trailers of a last chunk that comes in pieces of this size; "refused" where it is.
    private static string Trailers(byte[] bytes, int pieceBytes)
    {
        LeasedBuffer kept = new();
        ChunkedDecoder decoder = new() { Trailers = kept };
        ParseStatus status = ParseStatus.NeedMore;
        for (int at = 0; at < bytes.Length && status == ParseStatus.NeedMore; at += pieceBytes)
        {
            ReadOnlySpan<byte> piece = bytes.AsSpan(at, Math.Min(pieceBytes, bytes.Length - at));
            while (!piece.IsEmpty && status == ParseStatus.NeedMore)
            {
                status = decoder.Read(piece, out int consumed, out _, out _);
                piece = piece[consumed..];
            }
        }

        if (status != ParseStatus.Complete) return status.ToString();
        if (kept.Count == 0) return "";
        TrailerSection section = new();
        if (!section.TryParse(new ReadOnlySequence<byte>(kept.WrittenMemory))) return "refused";
        ArrayBufferWriter<byte> output = new();
        section.WriteTo(output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }

    private static async Task<string> SameForSplitsAsync(Random random, byte[] bytes, bool isRequest)
    {
        string whole = await MessageRun.RunAsync(bytes, 0, isRequest);
        for (int cut = 0; cut < 3; cut++)
        {
            int split = random.Next(bytes.Length + 1);
            Assert.Equal(whole, await MessageRun.RunAsync(bytes, split, isRequest));
        }

        return whole;
    }

    private static string Request(Random random)
    {
        string fields = FuzzRun.Pick(random, "", "A: b\r\n", "Connection: close, x\r\n", "Expect: 100-continue\r\n",
            "Accept: */*\r\nB:\r\n", "TE: trailers\r\nMax-Forwards: 1\r\n", "Connection: upgrade\r\nUpgrade: h2c\r\n",
            "Connection: Host\r\n");
        string framing = FuzzRun.Pick(random, "", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n");
        string body = framing.Length == 0 ? "" : framing.StartsWith('T') ? "3\r\nabc\r\n0\r\n\r\n" : "abc";
        string target = FuzzRun.Pick(random, "/", "/a/b?c=d", "/%41", "*", "http://h/a", "/a/../b", "http://h", "h:80");
        string method = FuzzRun.Pick(random, "GET", "POST", "OPTIONS", "CONNECT");
        string one = $"{method} {target} HTTP/1.{random.Next(2)}\r\nHost: h\r\n{fields}{framing}\r\n{body}";
        return random.Next(3) == 0 ? one + one : one;
    }

    // By another way than the parser's: as text, line by line.
    private static void CheckHead(byte[] bytes)
    {
        string text = Encoding.Latin1.GetString(bytes);
        if (text.StartsWith("\r\n", StringComparison.Ordinal)) text = text[2..];
        string[] lines = text[..text.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Split("\r\n");
        Assert.Equal(3, lines[0].Split(' ').Length);
        Assert.DoesNotContain(lines, line => line.AsSpan().ContainsAny('\r', '\n', '\0'));
        Assert.DoesNotContain(lines[1..], line => line.IndexOf(':', StringComparison.Ordinal) <= 0
            || char.IsWhiteSpace(line[0]));
        int framings = lines.Count(line => line.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase)
            || line.StartsWith("transfer-encoding:", StringComparison.OrdinalIgnoreCase));
        Assert.True(framings <= 1, "two framings");
    }

    private static byte[] Chunks(Random random, byte[] data)
    {
        List<byte> chunks = [];
        int at = 0;
        while (at < data.Length)
        {
            int count = random.Next(1, data.Length - at + 1);
            string size = count.ToString(FuzzRun.Pick(random, "x", "X"), CultureInfo.InvariantCulture);
            chunks.AddRange(Encoding.ASCII.GetBytes(size + FuzzRun.Pick(random, "", ";a", ";a=\"b\"") + "\r\n"));
            chunks.AddRange(data.AsSpan(at, count));
            chunks.AddRange("\r\n"u8);
            at += count;
        }

        string trailers = FuzzRun.Pick(random, "", "T: v\r\n", "T: v\r\nU:\tw \r\n");
        chunks.AddRange(Encoding.ASCII.GetBytes("0\r\n" + trailers + "\r\n"));
        return [.. chunks];
    }
}
