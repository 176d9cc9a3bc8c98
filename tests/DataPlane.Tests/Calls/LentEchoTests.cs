using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Outbound;
using Countersign.Identity.Outbound.Brokers;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>An upstream that shows what it was lent does not show it to the caller.</summary>
public sealed class LentEchoTests
{
    private const string Key = "s3cret/key+of\"crm";

    public static TheoryData<string> Places =>
        ["", ", header: X-Api-Key, value: \"Key {token}!\"", ", form: basic", "jwt", "jwt-again"];

    [Theory]
    [MemberData(nameof(Places))]
    public async Task What_was_lent_comes_back_nowhere(string place)
    {
        // Proves for the gateway's own tokens, one that several calls use included, and for a secret, that neither
        // head, reason, trailers nor body hold it, framed either way, masked or not, and in an interim answer; and that
        // the rest is as the upstream sent it. The audit has a copy of each.
        await using MemoryGateway gateway = new(
            Policy(place), brokers: Brokers(), auditTerms: new AuditTerms { Copies = AuditScope.All });
        string lent = "";
        gateway.Upstream.Reply = request =>
        {
            lent = request.Field(place.Contains("X-Api", StringComparison.Ordinal) ? "X-Api-Key" : "Authorization")!;
            return Echo(request.Line.Split(' ')[1], lent);
        };
        MemoryClient client = gateway.Connect();
        foreach (string path in (string[])["/plain/length", "/plain/chunks", "/masked/length", "/masked/chunks"])
        {
            WireMessage answer = await client.CallAsync(Requests.Get(gateway, path, "TE: trailers\r\n"));
            string all = answer.Head;
            if (answer.Status == 103) answer = (await client.ReadAsync())!;
            Assert.Equal(200, answer.Status);
            string secret = Secret(place, lent);
            all += answer.Head + string.Concat(answer.Trailers) + answer.Text;
            Assert.All(Forms(secret), form => Assert.DoesNotContain(form, all, StringComparison.Ordinal));
            Assert.Equal("kept", JsonDocument.Parse(answer.Text).RootElement.GetProperty("other").GetString());
            Assert.Contains("***", answer.Field("X-Echo")!, StringComparison.Ordinal);
            Assert.Contains("****", answer.Text, StringComparison.Ordinal);
        }

        string audit = string.Concat((await gateway.CloseAuditAsync()).Select(one => one.GetRawText()));
        Assert.Contains("response_copy", audit, StringComparison.Ordinal);
        Assert.All(
            Forms(Secret(place, lent)), form => Assert.DoesNotContain(form, audit, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_encoded_answer_under_a_mask_is_looked_into()
    {
        // Proves that a mask's decoding is where the secret is found, in the answer and in the audit's copy.
        await using MemoryGateway gateway = new(
            Policy("jwt"), auditTerms: new AuditTerms { Copies = AuditScope.All });
        string lent = "";
        gateway.Upstream.Script = async session =>
        {
            while (await session.ReadAsync() is { } request)
            {
                lent = request.Field("Authorization")!["Bearer ".Length..];
                byte[] body = Gzip("{\"a\":\"" + lent + "\",\"ssn\":\"123-45-6789\"}");
                await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + $"Content-Encoding: gzip\r\nContent-Length: {body.Length}\r\n\r\n");
                await session.WriteAsync(body);
            }
        };
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/masked/1"));
        string clean = "{\"a\":\"" + new string('*', lent.Length) + "\",\"ssn\":\"***\"}";
        Assert.Equal((200, clean), (answer.Status, answer.Text));
        string audit = string.Concat((await gateway.CloseAuditAsync()).Select(one => one.GetRawText()));
        Assert.Contains(new string('*', lent.Length), audit, StringComparison.Ordinal);
        Assert.DoesNotContain(lent, audit, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip", "/plain/1")]
    [InlineData("br", "/plain/1")]
    [InlineData("deflate", "/plain/1")]
    [InlineData("gzip, br", "/plain/1")]
    [InlineData("identity", "/plain/1")]
    [InlineData("gzip", "/heads/1")]
    [InlineData("gzip", "/files/1")]
    public async Task What_comes_encoded_unasked_is_decoded_and_looked_into(string coding, string path)
    {
        // Proves that an upstream is asked for plain answers where something is lent, whatever the caller would take,
        // and that one which encodes all the same is looked into: under no mask, under one of headers alone, and for a
        // function that is not maskable. What told of the encoded bytes is left out; a large body streams; and a head
        // without a body says what it would.
        await using MemoryGateway gateway = new(Policy("jwt"));
        string lent = "", filler = string.Concat(Enumerable.Range(0, 30_000).Select(static at => at + ","));
        gateway.Upstream.Script = async session =>
        {
            while (await session.ReadAsync() is { } request)
            {
                gateway.Upstream.Note(request);
                lent = request.Field("Authorization")!["Bearer ".Length..];
                byte[] body = coding.Split(", ").Aggregate(
                    Encoding.UTF8.GetBytes("<" + lent + ">" + filler + lent), Encoded);
                await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/x-any\r\nETag: \"1\"\r\n"
                    + $"X-Card: 1\r\nContent-Encoding: {coding}\r\nContent-Length: {body.Length}\r\n\r\n");
                await session.WriteAsync(body);
            }
        };
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, path, "Accept-Encoding: gzip, br\r\n"));
        Assert.Equal("identity", Assert.Single(gateway.Upstream.Requests).Field("Accept-Encoding"));
        string stars = new('*', lent.Length);
        Assert.Equal((200, $"<{stars}>{filler}{stars}"), (answer.Status, answer.Text));
        Assert.True(answer.IsWhole);
        Assert.Null(answer.Field("Content-Encoding"));
        Assert.Null(answer.Field("ETag"));
        bool isMasked = path != "/plain/1";
        Assert.Equal(isMasked, (answer.Head + string.Concat(answer.Trailers)).Contains("Countersign-Masked"));
        Assert.Equal(path == "/heads/1" ? "***" : "1", answer.Field("X-Card"));
    }

    [Theory]
    [InlineData("compress", "200 OK", "xxxx")]
    [InlineData("gzip\r\nContent-Encoding: br", "200 OK", "xxxx")]
    [InlineData("gzip", "206 Partial Content", "xxxx")]
    [InlineData("gzip", "200 OK", "not gzip at all")]
    public async Task What_cannot_be_decoded_does_not_leave(string coding, string status, string body)
    {
        // Proves that where the gateway cannot look, nothing of the answer reaches the caller.
        await using MemoryGateway gateway = new(Policy("jwt"));
        gateway.Upstream.Reply = _ => $"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n"
            + $"Content-Encoding: {coding}\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/plain/1"));
        Assert.Equal(502, answer.Status);
        Assert.Equal("urn:countersign:response-not-maskable", answer.Json.GetProperty("type").GetString());
        Assert.DoesNotContain(body, answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jwt-encoded")]
    [InlineData("none")]
    public async Task An_upstream_that_shows_nothing_may_encode(string place)
    {
        // Proves that an encoded answer passes byte for byte, as the caller asked for it, where policy says that the
        // upstream shows no requests, and where nothing is lent.
        await using MemoryGateway gateway = new(Policy(place));
        byte[] body = Encoded(Encoding.UTF8.GetBytes("{\"a\":1}"), "gzip");
        gateway.Upstream.Script = async session =>
        {
            while (await session.ReadAsync() is { } request)
            {
                gateway.Upstream.Note(request);
                await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"1\"\r\n"
                    + $"Content-Encoding: gzip\r\nContent-Length: {body.Length}\r\n\r\n");
                await session.WriteAsync(body);
            }
        };
        WireMessage answer = await gateway.Connect().CallAsync(
            Requests.Get(gateway, "/plain/1", "Accept-Encoding: gzip, br\r\n"));
        Assert.Equal("gzip, br", Assert.Single(gateway.Upstream.Requests).Field("Accept-Encoding"));
        Assert.Equal(("gzip", "\"1\""), (answer.Field("Content-Encoding"), answer.Field("ETag")));
        Assert.Equal(body, answer.Body);
    }

    [Fact]
    public async Task It_is_found_however_the_answer_arrives()
    {
        // Proves the streamed way with an answer that arrives byte by byte around the token, unmasked.
        await using MemoryGateway gateway = new(Policy("jwt"));
        string lent = "";
        gateway.Upstream.Script = async session =>
        {
            while (await session.ReadAsync() is { } request)
            {
                lent = request.Field("Authorization")!["Bearer ".Length..];
                await session.WriteAsync(
                    $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {lent.Length + 4}\r\n\r\n");
                foreach (char one in "a " + lent + " z") await session.WriteAsync(one.ToString());
            }
        };
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/plain/1"));
        Assert.Equal($"a {new string('*', lent.Length)} z", answer.Text);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("json-in-json")]
    [InlineData("html")]
    [InlineData("url")]
    [InlineData("every-letter")]
    public async Task It_is_found_however_the_answer_writes_it(string writer)
    {
        // Proves for a password and its pair, under a mask and under none, that no escape brings them back, in the
        // answer's fields and body and in the audit's copy; and that the answer keeps its length and its shape.
        await using MemoryGateway gateway = new(
            Policy(", form: basic"), brokers: Brokers(), auditTerms: new AuditTerms { Copies = AuditScope.All });
        string pair = "", sent = "";
        gateway.Upstream.Reply = request =>
        {
            pair = request.Field("Authorization")!["Basic ".Length..];
            sent = "{\"pair\":\"" + Written(writer, pair) + "\",\"key\":\"" + Written(writer, Key)
                + "\",\"other\":\"kept\"}";
            return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                + $"X-Echo: {Written(writer, pair)}\r\nContent-Length: {sent.Length}\r\n\r\n{sent}";
        };
        MemoryClient client = gateway.Connect();
        foreach (string path in (string[])["/plain/1", "/masked/1"])
        {
            WireMessage answer = await client.CallAsync(Requests.Get(gateway, path));
            Assert.Equal((200, sent.Length), (answer.Status, answer.Text.Length));
            JsonElement body = JsonDocument.Parse(answer.Text).RootElement;
            Assert.Equal(new string('*', Written(writer, pair).Length), body.GetProperty("pair").GetString());
            Assert.Equal(new string('*', Written(writer, Key).Length), body.GetProperty("key").GetString());
            Assert.Equal("kept", body.GetProperty("other").GetString());
            Assert.Equal(new string('*', Written(writer, pair).Length), answer.Field("X-Echo"));
        }

        string audit = string.Concat((await gateway.CloseAuditAsync()).Select(one => one.GetRawText()));
        Assert.Contains("response_copy", audit, StringComparison.Ordinal);
        foreach (string secret in (string[])[pair, Key])
        {
            string kept = JsonSerializer.Serialize(Written(writer, secret)).Trim('"');
            Assert.DoesNotContain(kept, audit, StringComparison.Ordinal);
        }
    }

    // As Gson, a JSON text in a JSON string with slashes escaped, .NET's pages, encodeURIComponent, and a zealot.
    private static string Written(string writer, string text) => writer switch
    {
        "json" => JsonText(text).Replace("=", "\\u003d", StringComparison.Ordinal),
        "json-in-json" => JsonText(JsonText(text).Replace("/", "\\/", StringComparison.Ordinal)),
        "html" => System.Net.WebUtility.HtmlEncode(text).Replace("+", "&#x2B;", StringComparison.Ordinal)
            .Replace("=", "&#61;", StringComparison.Ordinal),
        "url" => Uri.EscapeDataString(text),
        _ => string.Concat(text.Select(one => $"\\u{(int)one:x4}")),
    };

    private static string JsonText(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string Echo(string path, string lent)
    {
        string token = lent[(lent.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        string body = "{\"lent\":" + JsonSerializer.Serialize(lent) + ",\"again\":" + JsonSerializer.Serialize(token)
            + ",\"other\":\"kept\",\"ssn\":\"123-45-6789\"}";
        string head = $"HTTP/1.1 103 Early Hints\r\nX-Early: {lent}\r\n\r\nHTTP/1.1 200 {token}\r\nX-Echo: <{lent}>\r\n"
            + "Content-Type: application/json\r\n";
        return path.EndsWith("length", StringComparison.Ordinal)
            ? $"{head}Content-Length: {body.Length}\r\n\r\n{body}"
            : $"{head}Trailer: X-Last\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{body[..9]}\r\n"
                + $"{body.Length - 9:x}\r\n{body[9..]}\r\n0\r\nX-Last: {lent}\r\n\r\n";
    }

    private static string Secret(string place, string lent) => place.Contains("X-Api", StringComparison.Ordinal)
        ? Key
        : lent[(lent.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    private static string[] Forms(string secret) =>
        [secret, JsonSerializer.Serialize(secret).Trim('"'), Uri.EscapeDataString(secret)];

    private static byte[] Gzip(string text) => Encoded(Encoding.UTF8.GetBytes(text), "gzip");

    private static byte[] Encoded(byte[] plain, string coding)
    {
        if (coding == "identity") return plain;
        using MemoryStream bytes = new();
        using (Stream encoder = coding switch
        {
            "gzip" => new GZipStream(bytes, CompressionLevel.Fastest),
            "br" => new BrotliStream(bytes, CompressionLevel.Fastest),
            _ => new ZLibStream(bytes, CompressionLevel.Fastest),
        })
        {
            encoder.Write(plain);
        }

        return bytes.ToArray();
    }

    private static CredentialBrokers Brokers()
    {
        byte[] key = Encoding.ASCII.GetBytes(Key);
        StaticBroker broker = new("crm", [("token", key), ("username", "svc"u8.ToArray()), ("password", key)], []);
        Dictionary<string, ICredentialBroker> brokers = new() { ["crm"] = broker };
        return new CredentialBrokers(brokers, TimeSpan.FromSeconds(5), TimeProvider.System);
    }

    private static string Policy(string place)
    {
        string credential = place switch
        {
            "jwt" => "broker: jwt",
            "jwt-again" => "broker: jwt, ttl: 30s, reuse: 10s",
            "jwt-encoded" => "broker: jwt, passEncoded: true",
            "none" => "broker: none",
            _ => "broker: static, from: crm" + place,
        };
        return $$"""
            apiVersion: countersign/v1
            upstreams: { crm: { endpoints: ["http://crm.test:9001"], credential: { {{credential}} } } }
            functions:
              plain: { upstream: crm, method: GET, path: "/plain/{id}", risk: low }
              masked: { upstream: crm, method: GET, path: "/masked/{id}", risk: low }
              heads: { upstream: crm, method: GET, path: "/heads/{id}", risk: low }
              files: { upstream: crm, method: GET, path: "/files/{id}", risk: low, maskable: false }
            rules:
              - { id: read, subjects: { groups: [support] }, functions: ["*"], effect: allow }
            masks:
              - { id: pii, functions: [masked, files], fields: [ssn] }
              - { id: card, functions: [heads], headers: [x-card] }
            """;
    }
}
