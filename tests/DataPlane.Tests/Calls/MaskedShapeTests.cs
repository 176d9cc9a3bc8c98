using System.IO.Compression;
using System.Text;
using Countersign.Kit;
using Countersign.Masking;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Answers of every shape and coding under every action, over the whole data plane.</summary>
public sealed class MaskedShapeTests
{
    private const string Secret = "123-45-6789";
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"], timeout: 5s, credential: { broker: none } } }
        functions:
          f.get: { upstream: up, method: GET, path: "/f/{id}", risk: low }
          f.raw: { upstream: up, method: GET, path: "/raw/{id}", risk: low, maskable: false }
          f.keep: { upstream: up, method: GET, path: "/keep/{id}", risk: low }
          f.act: { upstream: up, method: GET, path: "/act/{id}", risk: low }
          f.head: { upstream: up, method: GET, path: "/head/{id}", risk: low }
          f.names: { upstream: up, method: GET, path: "/names/{id}", risk: low }
        rules: [{ id: r, subjects: { groups: [support] }, functions: ["*"], effect: allow }]
        masks:
          - { id: pii, functions: [f.get, f.raw], fields: [ssn], detect: [us-ssn] }
          - { id: kept, functions: [f.keep], fields: [ssn], encoding: keep }
          - { id: act1, functions: [f.act], fields: [a, b], action: tokenize, key: pii }
          - { id: act2, functions: [f.act], fields: [c], action: tokenize, key: other }
          - { id: act3, functions: [f.act], fields: [d], action: tokenize, key: missing }
          - { id: act4, functions: [f.act], fields: [e, f], action: drop }
          - { id: act5, functions: [f.act], fields: [g], action: null }
          - { id: act6, functions: [f.act], fields: [h], action: keep-last-4 }
          - { id: heads, functions: [f.head], headers: [X-User, Link], action: keep-last-4 }
          - { id: gone, functions: [f.head], headers: [X-Internal], action: drop }
          - { id: token, functions: [f.head], headers: [X-Account], action: tokenize, key: pii }
          - { id: names, functions: [f.names], fields: [creditCard], names: ignore-separators }
          - { id: exact, functions: [f.names], fields: [Pin], names: exact }
        """;

    private static readonly Dictionary<string, TokenKey> Keys = new()
    {
        ["pii"] = TokenKey.From("0123456789abcdef"u8), ["other"] = TokenKey.From("fedcba9876543210"u8),
    };

    public static TheoryData<string, string, string, int> Shapes()
    {
        (string Type, string Body, string Masked)[] shapes =
        [
            ("application/json", """{"ssn":"123-45-6789","n":1.50}""", """{"ssn":"***","n":1.50}"""),
            ("application/problem+json", """{"x":"is 123-45-6789."}""", """{"x":"is ***."}"""),
            ("application/x-ndjson", "{\"ssn\":1}\n{\"ssn\":2}\n", "{\"ssn\":\"***\"}\n{\"ssn\":\"***\"}\n"),
            ("text/event-stream", "event: a\ndata: {\"ssn\":\ndata: 1}\n\ndata: [DONE]\n\n",
                "event: a\ndata: {\"ssn\":\ndata: \"***\"}\n\ndata: [DONE]\n\n"),
            ("application/x-www-form-urlencoded", "ssn=1&q=a+123-45-6789&p=%7B%22ssn%22:1%7D",
                "ssn=***&q=a+***&p=%7B%22ssn%22%3A%22***%22%7D"),
            ("text/plain; charset=utf-8", "his number is 123-45-6789, she said\n", "his number is ***, she said\n"),
            ("multipart/mixed; boundary=b",
                "--b\r\nContent-Type: application/json\r\n\r\n{\"ssn\":1}\r\n--b\r\n\r\n123-45-6789\r\n--b--\r\n",
                "--b\r\nContent-Type: application/json\r\n\r\n{\"ssn\":\"***\"}\r\n--b\r\n\r\n***\r\n--b--\r\n"),
        ];
        TheoryData<string, string, string, int> rows = [];
        foreach ((string type, string body, string masked) in shapes)
        {
            foreach (int chunk in (int[])[1, 7, 4_096]) rows.Add(type, body, masked, chunk);
        }

        return rows;
    }

    // Proves each shape at several chunkings, as it is and under every coding, by the masked body that the client gets
    // decoded, without the coding's name, and with Vary.
    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task Every_shape_is_masked_under_every_coding(string type, string body, string masked, int chunk)
    {
        await using MemoryGateway gateway = new(Policy);
        foreach (string coding in (string[])["", "identity", "gzip", "br", "deflate", "zstd", "gzip, br"])
        {
            byte[] encoded = Encode(Encoding.UTF8.GetBytes(body), coding);
            const string fields = "Vary: Accept-Encoding\r\nETag: \"1\"\r\n";
            gateway.Upstream.Reply = _ => Answer(type, encoded, chunk, coding, fields);
            WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/f/1"));
            Assert.True(answer.Status == 200, coding + answer.Text);
            Assert.Equal(masked, answer.Text);
            Assert.Empty(answer.All("Content-Encoding"));
            Assert.Empty(answer.All("ETag"));
            Assert.Equal("Accept-Encoding", answer.Field("Vary"));
        }

        Assert.All(gateway.Upstream.Requests, seen => Assert.Equal("identity", seen.Field("Accept-Encoding")));
    }

    // Proves that what is not what it says is refused with nothing of it, by a bomb, cut and damaged codings, unknown
    // ones, lies about the type, and types that no mask reads.
    [Theory]
    [InlineData("bomb", "application/json", "gzip")]
    [InlineData("cut", "application/json", "gzip")]
    [InlineData("damaged", "application/json", "br")]
    [InlineData("plain", "application/json", "zstd")]
    [InlineData("plain", "application/json", "compress")]
    [InlineData("plain", "application/json", "gzip\r\nContent-Encoding: br")]
    [InlineData("plain", "text/plain", "")]
    [InlineData("plain", "application/x-www-form-urlencoded", "")]
    [InlineData("plain", "text/event-stream", "")]
    [InlineData("plain", "multipart/mixed; boundary=b", "")]
    [InlineData("plain", "text/html", "")]
    [InlineData("plain", "application/octet-stream", "")]
    [InlineData("plain", "application/json; charset=iso-8859-1", "")]
    [InlineData("xml", "application/json", "")]
    public async Task What_is_not_what_it_says_does_not_leave(string kind, string type, string coding)
    {
        await using MemoryGateway gateway = new(Policy, new Limits { DecodedBytesMax = 1 << 20 });
        byte[] json = Encoding.UTF8.GetBytes($$"""{"ssn":"{{Secret}}","pad":"{{new string('x', 500)}}"}""");
        byte[] body = kind switch
        {
            "bomb" => Encode(Encoding.UTF8.GetBytes("[\"" + new string('x', 2 << 20) + "\"]"), "gzip"),
            "cut" => Encode(json, "gzip")[..^9],
            "damaged" => [.. Encode(json, "br").Select(one => (byte)~one)],
            "xml" => Encoding.UTF8.GetBytes($"<ssn>{Secret}</ssn>"),
            _ => json,
        };
        gateway.Upstream.Reply = _ => Answer(type, body, 4_096, coding);
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/f/1"));
        Assert.Equal(502, answer.Status);
        Assert.Equal("urn:countersign:response-not-maskable", answer.Json.GetProperty("type").GetString());
        Assert.DoesNotContain(Secret, answer.Text, StringComparison.Ordinal);
        string detail = (await gateway.CloseAuditAsync())[^1].GetProperty("detail").GetString()!;
        Assert.NotEmpty(detail);
        Assert.DoesNotContain(Secret, detail, StringComparison.Ordinal);
    }

    // Proves that an encoded body that goes wrong past the window is cut: no last chunk, the connection aborted.
    [Fact]
    public async Task An_encoded_answer_that_breaks_late_is_cut()
    {
        await using MemoryGateway gateway = new(Policy, new Limits { ReplyWindowBytes = 1_024 });
        StringBuilder records = new("[");
        for (int index = 0; index < 9_000; index++) records.Append("{\"n\":").Append(index * 7919).Append("},");
        byte[] cut = Encode(Encoding.UTF8.GetBytes(records.Append("{}]").ToString()), "gzip")[..^300];
        gateway.Upstream.Reply = _ => Answer("application/json", cut, 4_096, "gzip");
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/f/1"));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((200, false), (answer.Status, answer.IsWhole));
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
    }

    // Proves that events stay live: the first is at the client, masked, before the second is sent; under a coding too.
    [Theory]
    [InlineData("")]
    [InlineData("gzip")]
    public async Task Events_are_sent_as_they_come(string coding)
    {
        await using MemoryGateway gateway = new(Policy);
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using MemoryStream target = new();
        Stream encoder = coding.Length > 0 ? new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true) : target;
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                + (coding.Length > 0 ? "Content-Encoding: gzip\r\n" : "") + "Transfer-Encoding: chunked\r\n\r\n");
            encoder.Write("data: {\"ssn\":\"123-45-6789\"}\n\n"u8);
            await encoder.FlushAsync();
            await session.WriteAsync(Chunked(target.ToArray(), 4_096));
            await goOn.Task;
            int sent = (int)target.Length;
            encoder.Write("data: 2\n\n"u8);
            if (coding.Length > 0) await encoder.DisposeAsync();
            await session.WriteAsync(Chunked(target.ToArray()[sent..], 4_096) + "0\r\n\r\n");
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/f/1"));
        await client.WaitForAsync(200);
        goOn.SetResult();
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal("data: {\"ssn\":\"***\"}\n\ndata: 2\n\n", answer.Text);
        Assert.Equal(["Countersign-Masked: 1"], answer.Trailers);
    }

    // Proves each action: tokens that are the same again, and differ by class and by key; a key that is missing, which
    // redacts; members that go with their commas; by a body that stays JSON.
    [Fact]
    public async Task Every_action_is_taken()
    {
        await using MemoryGateway gateway = new(Policy, maskKeys: Keys);
        const string same = "\"same value\"";
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(
            $$"""{"e":1,"a":{{same}},"b":{{same}},"c":{{same}},"d":{{same}},"e":{},"g":7,"h":"abcdefgh1234","f":0}""");
        MemoryClient client = gateway.Connect();
        WireMessage first = await client.CallAsync(Requests.Get(gateway, "/act/1"));
        WireMessage second = await client.CallAsync(Requests.Get(gateway, "/act/1"));
        Assert.Equal(first.Text, second.Text);
        string[] tokens = [.. "abc".Select(name => first.Json.GetProperty(name.ToString()).GetString()!)];
        Assert.All(tokens, token => Assert.StartsWith("tok_", token, StringComparison.Ordinal));
        Assert.Equal(3, tokens.Distinct().Count());
        string rest = string.Join(',', tokens.Zip("abc", (token, name) => $"\"{name}\":\"{token}\""));
        Assert.Equal("{" + rest + ""","d":"***","g":null,"h":"********1234"}""", first.Text);
        Assert.Equal("9", first.Field("Countersign-Masked"));
    }

    // Proves that headers are masked by name, whatever their case, counted, and only under their mask; that a body is
    // not looked at where nothing masks it; and that tokens of a header need no body.
    [Fact]
    public async Task Headers_are_masked()
    {
        await using MemoryGateway gateway = new(Policy, maskKeys: Keys);
        gateway.Upstream.Reply = _ => "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nX-USER: user-12345678\r\n"
            + "X-Internal: node 7\r\nX-Account: 4711\r\nX-Other: stays\r\nContent-Length: 3\r\n\r\nPNG";
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/head/1"));
        Assert.Equal((200, "PNG"), (answer.Status, answer.Text));
        Assert.Equal("*********5678", answer.Field("X-USER"));
        Assert.Empty(answer.All("X-Internal"));
        Assert.StartsWith("tok_", answer.Field("X-Account"), StringComparison.Ordinal);
        Assert.Equal("stays", answer.Field("X-Other"));
        Assert.Equal("3", answer.Field("Countersign-Masked"));
    }

    // Proves how names are compared by choice: without separators, and exactly.
    [Fact]
    public async Task Names_are_compared_as_the_mask_says()
    {
        await using MemoryGateway gateway = new(Policy);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("""{"credit_card":1,"Credit-Card":2,"Pin":3,"pin":4}""");
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/names/1"));
        Assert.Equal("""{"credit_card":"***","Credit-Card":"***","Pin":"***","pin":4}""", answer.Text);
    }

    // Proves that a function that is not maskable returns bodies that no mask reads as they are, which the audit says,
    // and that what can be read is masked, and refused where it is broken, all the same.
    [Fact]
    public async Task A_function_that_is_not_maskable_returns_binary_bodies()
    {
        await using MemoryGateway gateway = new(Policy);
        gateway.Upstream.Reply = _ => Answer("application/pdf", "%PDF 123-45-6789"u8.ToArray(), 5, "x-own");
        MemoryClient client = gateway.Connect();
        WireMessage pdf = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal((200, "%PDF 123-45-6789", "x-own"), (pdf.Status, pdf.Text, pdf.Field("Content-Encoding")));
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("""{"ssn":1}""");
        Assert.Equal("""{"ssn":"***"}""", (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Text);
        gateway.Upstream.Reply = _ => Answer("application/json; charset=utf-16", "x"u8.ToArray(), 5, "");
        Assert.Equal(502, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Upstream.Reply = _ => Answer("application/pdf", "%PDF"u8.ToArray(), 5, "");
        Assert.Equal(502, (await client.CallAsync(Requests.Get(gateway, "/f/1"))).Status);
        string[] details = [.. (await gateway.CloseAuditAsync())
            .Where(record => record.TryGetProperty("detail", out _))
            .Select(record => record.GetProperty("detail").GetString()!)];
        Assert.Single(details, detail => detail.Contains("not maskable", StringComparison.Ordinal));
    }

    // Proves that a coding is kept where the mask says so: asked for as far as the client and the masks know it, and
    // left under it, masked; an event stream leaves decoded all the same.
    [Fact]
    public async Task A_coding_can_be_kept()
    {
        await using MemoryGateway gateway = new(Policy);
        byte[] json = Encoding.UTF8.GetBytes($$"""{"ssn":"{{Secret}}","pad":"{{new string('x', 9_000)}}"}""");
        foreach (string coding in (string[])["gzip", "br", "deflate", "zstd"])
        {
            gateway.Upstream.Reply = _ => Answer("application/json", Encode(json, coding), 100, coding);
            string accept = "Accept-Encoding: compress, zstd;q=0.5, gzip;q=0, br ;q=1\r\n";
            WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/keep/1", accept));
            Assert.Equal((200, coding), (answer.Status, answer.Field("Content-Encoding")));
            Assert.Contains("\"ssn\":\"***\"", Encoding.UTF8.GetString(Decode(answer.Body, coding)),
                StringComparison.Ordinal);
            Assert.Equal("zstd, br", gateway.Upstream.Requests[^1].Field("Accept-Encoding"));
        }

        byte[] events = Encode("data: {\"ssn\":1}\n\n"u8.ToArray(), "gzip");
        gateway.Upstream.Reply = _ => Answer("text/event-stream", events, 100, "gzip");
        WireMessage stream = await gateway.Connect().CallAsync(Requests.Get(gateway, "/keep/1"));
        Assert.Equal("data: {\"ssn\":\"***\"}\n\n", stream.Text);
        Assert.Empty(stream.All("Content-Encoding"));
        Assert.Equal("identity", gateway.Upstream.Requests[^1].Field("Accept-Encoding"));
    }

    // Proves that the words of policy and of the masking library mean the same, since one is cast to the other.
    [Fact]
    public void Policy_and_masking_number_their_words_alike()
    {
        Assert.Equal(Enum.GetNames<MaskAction>(), Enum.GetNames<Countersign.Policy.MaskAction>());
        Assert.Equal(
            [Countersign.Policy.MaskNames.Usual, Countersign.Policy.MaskNames.Exact,
                Countersign.Policy.MaskNames.IgnoreCase, Countersign.Policy.MaskNames.IgnoreSeparators],
            ((MaskNames[])[MaskNames.Usual, MaskNames.Exact, MaskNames.FoldCase, MaskNames.FoldSeparators])
                .Select(names => (Countersign.Policy.MaskNames)names));
    }

    private static string Answer(string type, byte[] body, int chunk, string coding, string fields = "") =>
        $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\n{fields}"
        + (coding.Length > 0 ? $"Content-Encoding: {coding}\r\n" : "")
        + "Transfer-Encoding: chunked\r\n\r\n" + Chunked(body, chunk) + "0\r\n\r\n";

    private static string Chunked(byte[] body, int chunk)
    {
        StringBuilder text = new();
        foreach (byte[] piece in body.Chunk(chunk))
        {
            text.Append($"{piece.Length:x}\r\n").Append(Encoding.Latin1.GetString(piece)).Append("\r\n");
        }

        return text.ToString();
    }

    private static byte[] Encode(byte[] body, string codings)
    {
        foreach (string coding in codings.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            if (coding == "identity") continue;
            using MemoryStream target = new();
            using (Stream encoder = Open(target, coding, CompressionMode.Compress)) encoder.Write(body);
            body = target.ToArray();
        }

        return body;
    }

    private static byte[] Decode(byte[] body, string coding)
    {
        using MemoryStream source = new(body);
        using Stream decoder = Open(source, coding, CompressionMode.Decompress);
        using MemoryStream target = new();
        decoder.CopyTo(target);
        return target.ToArray();
    }

    private static Stream Open(Stream inner, string coding, CompressionMode mode) => coding switch
    {
        "gzip" => new GZipStream(inner, mode, leaveOpen: true),
        "deflate" => new ZLibStream(inner, mode, leaveOpen: true),
        "br" => new BrotliStream(inner, mode, leaveOpen: true),
        _ when mode == CompressionMode.Compress => new ZstdSharp.CompressionStream(inner),
        _ => new ZstdSharp.DecompressionStream(inner),
    };
}
