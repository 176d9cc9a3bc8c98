using System.Buffers;
using System.Globalization;
using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Kit;

namespace Countersign.Fuzz;

/// <summary>The HTTP parsers: no crash, one outcome for every split, and nothing accepted that reads two
/// ways.</summary>
public sealed class HttpFuzz
{
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
            "Accept: */*\r\nB:\r\n");
        string framing = FuzzRun.Pick(random, "", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n");
        string body = framing.Length == 0 ? "" : framing.StartsWith('T') ? "3\r\nabc\r\n0\r\n\r\n" : "abc";
        string target = FuzzRun.Pick(random, "/", "/a/b?c=d", "/%41", "*", "http://h/a", "/a/../b");
        string method = FuzzRun.Pick(random, "GET", "POST", "OPTIONS");
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

        chunks.AddRange(Encoding.ASCII.GetBytes("0\r\n" + FuzzRun.Pick(random, "", "T: v\r\n") + "\r\n"));
        return [.. chunks];
    }
}
