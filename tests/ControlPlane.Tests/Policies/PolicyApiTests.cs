using System.Net;
using System.Text;
using System.Text.Json;
using Countersign.Audit;
using Countersign.ControlPlane.Policies;

namespace Countersign.ControlPlane.Tests.Policies;

public sealed class PolicyApiTests
{
    private const string Path = "/api/v1/policies";

    [Fact]
    public async Task Anybody_with_a_token_may_have_a_policy_checked()
    {
        // Proves validation; by a document that compiles and one with an error on a known line.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string mallory = gate.Token("mallory", "staff");
        Answer valid = await gate.PostAsync(Path + "/validate", mallory, ControlFixture.Policy, "application/yaml");
        Assert.Equal("""{"valid":true,"functions":1,"rules":1}""", valid.Body);
        string broken = ControlFixture.Policy.Replace("groups: [support]", "groups: 7", StringComparison.Ordinal);
        Answer invalid = await gate.PostAsync(Path + "/validate", mallory, broken, "text/yaml; charset=utf-8");
        Assert.Equal(((HttpStatusCode)422, "policy-invalid"), (invalid.Status, invalid.Problem));
        JsonElement error = invalid.Json.GetProperty("errors")[0];
        Assert.Equal(7, error.GetProperty("line").GetInt32());
        Assert.True(error.GetProperty("column").GetInt32() > 1);
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.Equal("unauthenticated", (await gate.PostAsync(Path + "/validate", null, "{}")).Problem);
    }

    [Fact]
    public async Task A_policy_with_a_hole_is_not_published()
    {
        // Proves that a hole over the gateway's people is a 422 with its example and its place, that a directory which
        // cannot be read lets nothing through, that who may not read policies learns nothing of people, and that a
        // warning is told and refuses nothing.
        const string Open = """
            apiVersion: countersign/v1
            upstreams: { up: { endpoints: ["http://h"] } }
            functions: { f.pay: { upstream: up, method: POST, path: /f, risk: high } }
            rules:
              - { id: free, subjects: { groups: [staff] }, functions: [f.pay], effect: allow }
            """;
        await using ControlFixture gate = await ControlFixture.StartAsync("people: [{ id: ann, groups: [staff] }]");
        string pat = gate.Token("pat", "policy-admins");
        foreach (string path in (string[])[Path, Path + "/validate"])
        {
            Answer hole = await gate.PostAsync(path, pat, Open, "application/yaml");
            Assert.Equal(((HttpStatusCode)422, "policy-invalid"), (hole.Status, hole.Problem));
            JsonElement error = hole.Json.GetProperty("errors")[0];
            Assert.Equal((5, 5), (error.GetProperty("line").GetInt32(), error.GetProperty("column").GetInt32()));
            Assert.Contains("ann (staff) calls f.pay (high)", error.GetProperty("message").GetString(),
                StringComparison.Ordinal);
        }

        string mallory = gate.Token("mallory");
        Answer stranger = await gate.PostAsync(Path + "/validate?warnings=true", mallory, Open, "application/yaml");
        Assert.True(stranger.Json.GetProperty("valid").GetBoolean());
        Assert.Contains("to one person alone",
            stranger.Json.GetProperty("warnings")[0].GetProperty("message").GetString(),
            StringComparison.Ordinal);
        Assert.DoesNotContain("ann", stranger.Body, StringComparison.Ordinal);
        await using ControlFixture blind = await ControlFixture.StartAsync("people: broken");
        Answer unread = await blind.PostAsync(
            Path, blind.Token("pat", "policy-admins"), ControlFixture.Policy, "application/yaml");
        Assert.Equal("policy-invalid", unread.Problem);
        Assert.Equal("policy-publish-refused", Assert.Single(await blind.ActsAsync()).Event);
    }

    [Fact]
    public async Task Callers_that_the_audit_saw_show_a_hole()
    {
        // Proves that the gateway's own records stand for a directory: of a caller whom they name an allow of high risk
        // is an error, and what nobody among them could approve a warning.
        const string Open = """
            apiVersion: countersign/v1
            upstreams: { up: { endpoints: ["http://h"] } }
            functions: { f.pay: { upstream: up, method: POST, path: /f, risk: high } }
            rules:
              - { id: free, subjects: { groups: [staff] }, functions: [f.pay], effect: allow }
              - { id: two, subjects: { groups: [temps] }, functions: [f.pay], effect: approve,
                  approval: { stages: [{ groups: [leads], count: 1 }] } }
            """;
        await using ControlFixture gate = await ControlFixture.StartAsync(
            [], fixture => WriteCallAsync(fixture.Audit, "ann", "staff"), ControlFixture.Learned);
        string pat = gate.Token("pat", "policy-admins");
        Answer hole = await gate.PostAsync(Path + "/validate?warnings=true", pat, Open, "application/yaml");
        Assert.Equal("policy-invalid", hole.Problem);
        Assert.Contains("ann (staff) calls f.pay (high)", hole.Body, StringComparison.Ordinal);
        string meant = Open.Replace("effect: allow", "effect: allow, alone: on call", StringComparison.Ordinal);
        Answer good = await gate.PostAsync(Path + "/validate?warnings=true", pat, meant, "application/yaml");
        Assert.True(good.Json.GetProperty("valid").GetBoolean());
        Assert.Contains("can never be filled by those who were seen", good.Body, StringComparison.Ordinal);
    }

    private static async Task WriteCallAsync(AuditLog log, string subject, string group)
    {
        AuditReservation slot;
        while (!log.TryReserve(out slot)) await Task.Yield();
        new CallRecord(CallRecordType.Intent)
        {
            Call = Guid.NewGuid(),
            At = Drafts.Now,
            Issuer = "https://i.test",
            Subject = subject,
            Kind = "human",
            Groups = [group],
            Chain = [subject],
        }.WriteTo(slot.Intent);
        Assert.True(await log.CommitAsync(slot.Intent));
        log.Return(slot);
    }

    [Fact]
    public async Task Only_people_who_are_policy_admins_write_and_only_admins_and_auditors_read()
    {
        // Proves who may; by an admin's agent, an auditor and a stranger on every path.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string[] others =
        [
            gate.Token("pat-bot", "policy-admins"), gate.Token("ann", "auditors"), gate.Token("mallory"),
        ];
        foreach (string token in others)
        {
            Answer published = await gate.PostAsync(Path, token, ControlFixture.Policy, "application/yaml");
            Assert.Equal((HttpStatusCode.Forbidden, "denied"), (published.Status, published.Problem));
            Assert.Equal("denied", (await gate.PostAsync(Path + "/1/activate", token)).Problem);
        }

        Assert.Equal("denied", (await gate.GetAsync(Path, gate.Token("mallory", "staff"))).Problem);
        Assert.Equal("denied", (await gate.GetAsync(Path + "/1", gate.Token("mallory", "staff"))).Problem);
        string pat = gate.Token("pat", "policy-admins");
        foreach (string version in new[] { "x", "0", "-1", "99999999999999999999" })
        {
            Assert.Equal("not-found", (await gate.GetAsync(Path + "/" + version, pat)).Problem);
        }

        Assert.Equal("malformed-request", (await gate.GetAsync(Path + "/1?form=xml", pat)).Problem);
        Assert.Equal("malformed-request", (await gate.GetAsync(Path + "?limit=101", pat)).Problem);
        (string, string, string, string) Refused(string word, string who, string subject) =>
            (word, who, subject, "Only a person who is a policy admin may change the policy.");
        Assert.Equal(
            ((string[])["pat-bot", "ann", "mallory"]).SelectMany(who => new[]
            {
                Refused("policy-publish-refused", who, "policy"),
                Refused("policy-activate-refused", who, "policy/1"),
            }),
            await gate.ActsAsync());
    }

    [Fact]
    public async Task What_does_not_compile_is_not_published()
    {
        // Proves the refusals before the store; by an admin with a broken document, a wrong type, wrong bytes, too
        // many.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string pat = gate.Token("pat", "policy-admins");
        Assert.Equal("policy-invalid", (await gate.PostAsync(Path, pat, "{\"rules\": 1}")).Problem);
        Assert.Equal("policy-invalid", (await gate.PostAsync(Path, pat, "")).Problem);
        Answer form = await gate.PostAsync(Path, pat, ControlFixture.Policy, "application/x-www-form-urlencoded");
        Assert.Equal(((HttpStatusCode)415, "unsupported-media-type"), (form.Status, form.Problem));
        Answer large = await gate.PostAsync(Path, pat, new string('#', 1_048_577), "application/yaml");
        Assert.Equal("policy-invalid", large.Problem);
        Answer larger = await gate.PostAsync(Path, pat, new string('#', 2_097_153), "application/yaml");
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "body-too-large"), (larger.Status, larger.Problem));

        // What was read as a policy and is none is told, with what is wrong first; what is no document is not.
        List<(string Event, string Actor, string Subject, string Detail)> acts = await gate.ActsAsync();
        Assert.Equal(
            [
                ("policy-publish-refused", "pat", "policy"), ("policy-publish-refused", "pat", "policy"),
                ("policy-publish-refused", "pat", "policy"),
            ],
            acts.Select(act => (act.Event, act.Actor, act.Subject)));
        Assert.All(acts, act => Assert.Contains("; first: ", act.Detail, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("application/yaml", true)]
    [InlineData("Text/YAML;charset=\"utf-8\"", true)]
    [InlineData("application/x-yaml", true)]
    [InlineData("text/x-yaml", true)]
    [InlineData("text/x-yaml; charset=latin1", false)]
    [InlineData("application/json", true)]
    [InlineData("application/json; charset=utf-16", false)]
    [InlineData("text/plain", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Policies_come_as_yaml_or_json(string? type, bool isTaken)
    {
        // Proves the list of types; by JSON's, all four of YAML's, and others.
        Assert.Equal(isTaken, PolicyText.IsPolicyType(type));
    }

    [Fact]
    public void Text_is_decoded_strictly()
    {
        // Proves decoding; by a byte order mark, which is left out, and by bytes that are not UTF-8.
        Assert.Equal("a: é", PolicyText.Decode([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes("a: é")]));
        Assert.Null(PolicyText.Decode([0x61, 0xFF]));
    }
}
