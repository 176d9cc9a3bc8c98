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

    private static byte[] Gzip(string text)
    {
        using MemoryStream bytes = new();
        using (GZipStream gzip = new(bytes, CompressionLevel.Fastest)) gzip.Write(Encoding.UTF8.GetBytes(text));
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
            _ => "broker: static, from: crm" + place,
        };
        return $$"""
            apiVersion: countersign/v1
            upstreams: { crm: { endpoints: ["http://crm.test:9001"], credential: { {{credential}} } } }
            functions:
              plain: { upstream: crm, method: GET, path: "/plain/{id}", risk: low }
              masked: { upstream: crm, method: GET, path: "/masked/{id}", risk: low }
            rules:
              - { id: read, subjects: { groups: [support] }, functions: ["*"], effect: allow }
            masks:
              - { id: pii, functions: [masked], fields: [ssn] }
            """;
    }
}
