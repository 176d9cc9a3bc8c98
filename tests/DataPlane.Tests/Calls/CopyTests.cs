using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>What the audit keeps of payloads and answers.</summary>
public sealed class CopyTests
{
    private const string Secret = "123-45-6789";

    private const string Policy = """
        apiVersion: countersign/v1
        upstreams:
          people: { endpoints: ["http://people.test:9001"], timeout: 5s, credential: { broker: none } }
        functions:
          people.put: { upstream: people, method: POST, path: "/people/{id}", risk: high }
          people.note: { upstream: people, method: POST, path: "/notes/{id}", risk: low }
        rules:
          - { id: write, subjects: { groups: [support] }, functions: ["people.*"], effect: allow }
        masks:
          - { id: pii, functions: [people.put], fields: [ssn], except: { groups: [pii-cleared] } }
        """;

    private const string Asking = """
        apiVersion: countersign/v1
        upstreams:
          people: { endpoints: ["http://people.test:9001"], timeout: 5s, credential: { broker: none } }
        functions:
          people.wipe: { upstream: people, method: POST, path: "/wipes/{id}", risk: high }
          people.capped: { upstream: people, method: POST, path: "/caps/{id}", risk: high }
        rules:
          - id: ask
            subjects: { groups: [support] }
            functions: [people.wipe]
            effect: approve
            approval: { stages: [{ groups: [leads], count: 1 }], decideWithin: 15m, useWithin: 5m, hold: 0s }
          - { id: cap, subjects: { groups: [support] }, functions: [people.capped], when: "args.a > 5", effect: allow }
        masks:
          - { id: pii, functions: ["*"], fields: [ssn] }
        """;

    [Fact]
    public async Task Both_bodies_are_kept_masked_for_everybody()
    {
        // Proves that payload and answer of a strict call are in its outcome, masked though the caller is cleared to
        // see the answer, with the digest of the payload as it was sent; and that of a call of low risk the digest is.
        await using MemoryGateway gateway = new(Policy, auditTerms: new AuditTerms());
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{\"a\":2,\"ssn\":\"" + Secret + "\"}");
        MemoryClient client = gateway.Connect();
        string body = "{\"a\":1,\"ssn\":\"" + Secret + "\"}";
        WireMessage answer = await client.CallAsync(
            Requests.Post(gateway, "/people/1", body, groups: ["support", "pii-cleared"]));
        Assert.Contains(Secret, answer.Text, StringComparison.Ordinal);
        await client.CallAsync(Requests.Post(gateway, "/notes/1", body));
        IReadOnlyList<JsonElement> records = await gateway.CloseAuditAsync();
        JsonElement kept = Outcome(records, "people.put");
        Assert.Equal("{\"a\":1,\"ssn\":\"***\"}", Unmarked(kept, "request_copy"));
        Assert.Equal("{\"a\":2,\"ssn\":\"***\"}", Unmarked(kept, "response_copy"));
        string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        Assert.Equal(digest, kept.GetProperty("request_digest").GetString());
        JsonElement low = Outcome(records, "people.note");
        Assert.Equal(digest, low.GetProperty("request_digest").GetString());
        Assert.All(["request_copy", "response_copy", "request_copy_withheld"],
            name => Assert.False(low.TryGetProperty(name, out _)));
        Assert.DoesNotContain(Secret, string.Concat(records), StringComparison.Ordinal);
        Assert.True(AuditVerifier.Verify(gateway.AuditFolder).IsOk);
    }

    [Theory]
    [InlineData("people.wipe", "/wipes/1", 428)]
    [InlineData("people.capped", "/caps/1", 403)]
    public async Task What_was_asked_and_not_made_is_kept_too(string function, string path, int status)
    {
        // Proves that a payload that was read to decide is in the outcome of a call that paused or was refused, masked
        // and with its digest: who denies or refuses must be able to show what.
        await using MemoryGateway gateway = new(Asking, auditTerms: new AuditTerms());
        string body = "{\"a\":1,\"ssn\":\"" + Secret + "\"}";
        Assert.Equal(status, (await gateway.Connect().CallAsync(Requests.Post(gateway, path, body))).Status);
        IReadOnlyList<JsonElement> records = await gateway.CloseAuditAsync();
        JsonElement kept = Outcome(records, function);
        Assert.Equal("{\"a\":1,\"ssn\":\"***\"}", Unmarked(kept, "request_copy"));
        string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        Assert.Equal(digest, kept.GetProperty("request_digest").GetString());
        Assert.False(kept.TryGetProperty("response_copy", out _));
        Assert.DoesNotContain(Secret, string.Concat(records), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_body_is_cut_and_its_digest_is_of_the_whole()
    {
        // Proves, with a payload in chunks, that a cut copy is a masked prefix, says so, and never ends inside a value
        // under a mask: the secret begins before the limit and ends behind it.
        AuditTerms terms = new() { Copies = AuditScope.All, RequestCopyBytesMax = 24, ResponseCopyBytesMax = 24 };
        await using MemoryGateway gateway = new(Policy, auditTerms: terms);
        string body = "{\"first\":1,\"ssn\":\"" + Secret + "\",\"rest\":\"" + new string('x', 900) + "\"}";
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(body);
        string half = body[..20], rest = body[20..];
        await gateway.Connect().CallAsync(
            Requests.Head(gateway, "POST", "/people/1", "Content-Type: application/json\r\n"
                + "Transfer-Encoding: chunked\r\n")
            + $"{half.Length:x}\r\n{half}\r\n{rest.Length:x}\r\n{rest}\r\n0\r\n\r\n");
        JsonElement kept = Outcome(await gateway.CloseAuditAsync(), "people.put");
        Assert.StartsWith("{\"first\":1", kept.GetProperty("request_copy").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("{\"first\":1", kept.GetProperty("response_copy").GetString(), StringComparison.Ordinal);
        Assert.True(kept.GetProperty("cut").GetBoolean());
        Assert.DoesNotContain("123", kept.GetProperty("request_copy").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("123", kept.GetProperty("response_copy").GetString(), StringComparison.Ordinal);
        string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        Assert.Equal(digest, kept.GetProperty("request_digest").GetString());
    }

    [Theory]
    [InlineData("application/octet-stream", "{\"ssn\":\"123-45-6789\"}")]
    [InlineData("application/json", "{\"ssn\":\"123-45-6789\"")]
    public async Task What_cannot_be_proven_masked_is_withheld(string type, string body)
    {
        // Proves that a payload of another kind, or that is not what it says, leaves its digest and the reason alone.
        await using MemoryGateway gateway = new(Policy, auditTerms: new AuditTerms());
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        await gateway.Connect().CallAsync(Requests.Head(
            gateway, "POST", "/people/1", $"Content-Type: {type}\r\nContent-Length: {body.Length}\r\n") + body);
        IReadOnlyList<JsonElement> records = await gateway.CloseAuditAsync();
        JsonElement kept = Outcome(records, "people.put");
        Assert.False(kept.TryGetProperty("request_copy", out _));
        Assert.NotEqual("", kept.GetProperty("request_copy_withheld").GetString());
        Assert.True(kept.TryGetProperty("request_digest", out _));
        Assert.DoesNotContain(Secret, string.Concat(records), StringComparison.Ordinal);
    }

    private static JsonElement Outcome(IReadOnlyList<JsonElement> records, string function) => Assert.Single(
        records, one => one.GetProperty("type").GetString() == "outcome"
            && one.GetProperty("function").GetString() == function);

    private static string Unmarked(JsonElement record, string name) => System.Text.RegularExpressions.Regex.Replace(
        record.GetProperty(name).GetString()!, "\"ssn\":\"[^\"]*\"", "\"ssn\":\"***\"");
}
