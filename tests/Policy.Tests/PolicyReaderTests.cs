using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Policy.Tests;

public sealed class PolicyReaderTests
{
    // Proves the defaults that POLICY.md promises, by a document that states only what it must.
    [Fact]
    public void Unstated_keys_have_their_defaults()
    {
        PolicySnapshot snapshot = PolicyTexts.Compile(PolicyTexts.TwoFunctions + """
            rules:
              - id: r
                subjects: { groups: [g] }
                functions: [f.a]
                effect: approve
                approval: { stages: [{ groups: [h], count: 16 }] }
            masks: [{ id: m, functions: [f.b], fields: [ssn] }]
            """);
        Upstream upstream = Assert.Single(snapshot.Upstreams);
        Assert.Equal(("up", TimeSpan.FromSeconds(30)), (upstream.Name, upstream.Timeout));
        CredentialTerms credential = new(CredentialBroker.Jwt, "up", TimeSpan.FromSeconds(30), TimeSpan.Zero);
        Assert.Equal(credential, upstream.Credential);
        Assert.Equal(new Uri("http://127.0.0.1:1"), Assert.Single(upstream.Endpoints));
        ApprovalTerms terms = snapshot.Rules[0].Approval!;
        Assert.Equal((TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(5)), (terms.DecideWithin, terms.UseWithin));
        Assert.Equal((TimeSpan.Zero, false, 16), (terms.Hold, terms.ReasonRequired, terms.Stages[0].Count));
        Assert.Equal(MaskAction.Redact, snapshot.Masks[0].Terms.Action);
        Assert.Empty(snapshot.Masks[0].ExceptGroups);
        Assert.Empty(snapshot.Find("f.a")!.BindingHeaders);
        Assert.Equal(0, snapshot.Version);
    }

    // Proves that every stated key is kept, by the values of a policy that states them all.
    [Fact]
    public void Stated_keys_are_kept()
    {
        string text = PolicyTexts.ReadFile("tests/cases/policy/duties.policy.yaml");
        PolicySnapshot snapshot = PolicyReader.Read(text, PolicyTexts.Vocabulary, 7).Snapshot!;
        Assert.Equal(7, snapshot.Version);
        Upstream upstream = Assert.Single(snapshot.Upstreams);
        Assert.Equal((2, TimeSpan.FromMilliseconds(500)), (upstream.Endpoints.Count, upstream.Timeout));
        Assert.Equal(CredentialBroker.None, upstream.Credential.Broker);
        string[] ids = ["vendors.create", "vendors.export", "vendors.get", "vendors.pay"];
        Assert.Equal(ids, snapshot.Functions.Select(f => f.Id));
        Assert.Equal([0, 1, 2, 3], snapshot.Functions.Select(f => f.Index));
        Assert.Equal([Risk.High, Risk.Medium, Risk.Low, Risk.Critical], snapshot.Functions.Select(f => f.Risk));
        Assert.Equal(["if-match", "x-tenant"], snapshot.Find("vendors.create")!.BindingHeaders);
        Assert.Equal("/vendors/{vendor}/payments", snapshot.Find("vendors.pay")!.Path);
        Assert.Same(upstream, snapshot.Find("vendors.pay")!.Upstream);
        Assert.Null(snapshot.Find("Vendors.pay"));
        Assert.Equal(["ap-clerk", "ap-approver", "ap-auditor"], snapshot.Separations[0].Groups);
        Assert.Equal(MaskAction.KeepLast4, snapshot.Masks[1].Terms.Action);
        Assert.Equal(["$.tax.id"], snapshot.Masks[1].Terms.Fields);
    }

    // Proves that all a mask can say is kept, that YAML's plain null is the action of that name, that a function's
    // maskable is a boolean in the canonical JSON too, and that this JSON reads back to the same terms.
    [Fact]
    public void Masks_are_kept()
    {
        string text = PolicyTexts.Upstreams + """
              f.a: { upstream: up, method: GET, path: /a, risk: low, maskable: False }
              f.b: { upstream: up, method: GET, path: /b, risk: low, maskable: true }
            rules: []
            masks:
            - { id: m1, functions: [f.a], fields: [a, b], detect: [jwt], headers: [X-B, X-A], action: tokenize,
                key: pii, names: ignore-separators, encoding: keep }
            - { id: m2, functions: [f.a], detect: [jwt], action: null, encoding: identity }
            - { id: m3, functions: [f.a], fields: [a], action: "null", names: exact }
            - { id: m4, functions: [f.a], headers: [x], action: drop }
            - { id: m5, functions: [f.a], fields: [a], names: ignore-case, action: keep-last-4 }
            - { id: m6, functions: [f.a], fields: [a], names: ignore-case, action: tokenize }
            """;
        PolicyReading reading = PolicyTexts.Read(text);
        Assert.Empty(reading.Errors);
        Assert.Contains("\"maskable\":false", reading.Json, StringComparison.Ordinal);
        Assert.Equal(2, reading.Json.Split("\"action\":\"null\"").Length - 1);
        foreach (PolicySnapshot snapshot in (PolicySnapshot[])[reading.Snapshot!, PolicyTexts.Compile(reading.Json)])
        {
            Assert.Equal((false, true), (snapshot.Find("f.a")!.IsMaskable, snapshot.Find("f.b")!.IsMaskable));
            MaskTerms all = snapshot.Masks[0].Terms;
            Assert.Equal(["a", "b"], all.Fields);
            Assert.Equal(["jwt"], all.Detect);
            Assert.Equal(["x-b", "x-a"], all.Headers);
            Assert.Equal((MaskNames.IgnoreSeparators, "pii", true), (all.Names, all.Key, all.KeepsEncoding));
            MaskAction[] actions =
            [
                MaskAction.Tokenize, MaskAction.Null, MaskAction.Null, MaskAction.Drop, MaskAction.KeepLast4,
                MaskAction.Tokenize,
            ];
            Assert.Equal(actions, snapshot.Masks.Select(mask => mask.Terms.Action));
            MaskNames[] names =
            [
                MaskNames.IgnoreSeparators, MaskNames.Usual, MaskNames.Exact, MaskNames.Usual, MaskNames.IgnoreCase,
                MaskNames.IgnoreCase,
            ];
            Assert.Equal(names, snapshot.Masks.Select(mask => mask.Terms.Names));
            Assert.Null(snapshot.Masks[1].Terms.Key);
            Assert.Equal("default", snapshot.Masks[5].Terms.Key);
            Assert.False(snapshot.Masks[1].Terms.KeepsEncoding);
        }
    }

    // Proves that an upstream's terms are kept, those unstated beside them have their defaults, and the canonical JSON
    // reads back to the same terms.
    [Fact]
    public void Terms_of_upstreams_are_kept()
    {
        PolicyReading reading = PolicyTexts.Read("""
            apiVersion: countersign/v1
            upstreams:
              plain: { endpoints: ["http://h"], timeout: 7s }
              told:
                endpoints: ["https://a.test", "https://b.test:8443"]
                tls: { serverName: a.test, ca: file-a, clientCertificate: file-b, clientKey: file-c }
                ejection: { after: 3, for: 6m }
                health: { path: "/healthz?deep=1", status: 204, interval: 1s }
                retryBudget: 0
                maxInFlight: 9
                maxConnections: 8
                resolveEvery: 10s
                readTimeout: 2s
                connectTimeout: 3s
            functions: { f.a: { upstream: told, method: GET, path: /a, risk: low } }
            rules: []
            """);
        Assert.Empty(reading.Errors);
        (Upstream plain, Upstream told) = (reading.Snapshot!.Upstreams[0], reading.Snapshot.Upstreams[1]);
        Assert.Equal(new Upstream("plain", plain.Endpoints, TimeSpan.FromSeconds(7), plain.Credential), plain);
        Assert.Equal((null, TimeSpan.FromSeconds(7)), (plain.ConnectTimeout, plain.ReadTimeout));
        Upstream expected = new("told", told.Endpoints, TimeSpan.FromSeconds(30), told.Credential)
        {
            ConnectTimeout = TimeSpan.FromSeconds(3),
            ReadTimeout = TimeSpan.FromSeconds(2),
            ResolveEvery = TimeSpan.FromSeconds(10),
            ConnectionsMax = 8,
            CallsInFlightMax = 9,
            RetryBudgetPercent = 0,
            Health = new HealthTerms
            {
                Path = "/healthz?deep=1", Interval = TimeSpan.FromSeconds(1), StatusMin = 204, StatusMax = 204,
            },
            Ejection = new EjectionTerms { After = 3, For = TimeSpan.FromMinutes(6), ForMax = TimeSpan.FromMinutes(6) },
            Tls = new UpstreamTls("file-a", "file-b", "file-c", "a.test"),
        };
        Assert.Equal(expected, told);
        PolicyReading again = PolicyTexts.Read(reading.Json);
        Assert.Equal(told with { Endpoints = [] }, again.Snapshot!.Upstreams[1] with { Endpoints = [] });
        Assert.Equal(reading.Json, again.Json);
    }

    // Proves the units and that anything near a duration is refused, by a table; -1 is
    // refused.
    [Theory]
    [InlineData("500ms", 500L)]
    [InlineData("30s", 30_000L)]
    [InlineData("15m", 900_000L)]
    [InlineData("2h", 7_200_000L)]
    [InlineData("30d", 2_592_000_000L)]
    [InlineData("0s", 0L)]
    [InlineData("999999999s", 999_999_999_000L)]
    [InlineData("999999999d", -1L)]
    [InlineData("1000000000s", -1L)]
    [InlineData("", -1L)]
    [InlineData("s", -1L)]
    [InlineData("5", -1L)]
    [InlineData("5S", -1L)]
    [InlineData("5 s", -1L)]
    [InlineData("+5s", -1L)]
    [InlineData("1.5s", -1L)]
    [InlineData("5sec", -1L)]
    [InlineData("٥s", -1L)]
    public void Durations(string text, long milliseconds)
    {
        Assert.Equal(milliseconds >= 0, Duration.TryParse(text, out TimeSpan duration));
        Assert.Equal(Math.Max(0, milliseconds), (long)duration.TotalMilliseconds);
        if (milliseconds < 0) return;
        Assert.True(Duration.TryParse(Duration.Write(duration), out TimeSpan again));
        Assert.Equal(duration, again);
    }

    // Proves that a pattern matches whole ids by runs of any characters, by a table.
    [Theory]
    [InlineData("*", "", true)]
    [InlineData("*", "a.b", true)]
    [InlineData("billing.*", "billing.reset", true)]
    [InlineData("billing.*", "billing.", true)]
    [InlineData("billing.*", "billing", false)]
    [InlineData("billing.*", "xbilling.reset", false)]
    [InlineData("*.get", "a.get.get", true)]
    [InlineData("*.get", "a.gets", false)]
    [InlineData("a*b*c", "axxbyybc", true)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("a.b", "aXb", false)]
    [InlineData("a?c", "abc", false)]
    [InlineData("A*", "abc", false)]
    [InlineData("**", "abc", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    public void Globs(string pattern, string id, bool expected) => Assert.Equal(expected, Glob.Matches(pattern, id));

    // Proves that the JSON is canonical: comments, order of keys, quoting and style do not change it, what is listed in
    // another order does, it reads back to itself, and its SHA-256 is the snapshot's.
    [Fact]
    public void The_json_is_canonical()
    {
        PolicyReading one = PolicyTexts.Read("""
            # a comment
            rules:
              - effect: allow
                functions: [f.a, "*"]
                subjects:
                  groups: ["say \"hi\" \\ 😀 é", 'g']
                id: r
            functions:
              f.b: { path: /b, upstream: up, risk: low, method: GET }
              f.a: { path: /a, upstream: up, risk: low, method: GET }
            upstreams: { up: { endpoints: ["http://h"] } }
            apiVersion: "countersign/v1"
            """);
        const string expected =
            """{"apiVersion":"countersign/v1","upstreams":{"up":{"endpoints":["http://h"]}},"functions":{"f.a":"""
            + """{"upstream":"up","method":"GET","path":"/a","risk":"low"},"f.b":"""
            + """{"upstream":"up","method":"GET","path":"/b","risk":"low"}},"rules":[{"id":"r","subjects":"""
            + """{"groups":["say \"hi\" \\ 😀 é","g"]},"functions":["f.a","*"],"effect":"allow"}]}""";
        Assert.Empty(one.Errors);
        Assert.Equal(expected, one.Json);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(expected))), one.Snapshot!.Sha256);
        PolicyReading again = PolicyTexts.Read(one.Json);
        Assert.Equal((one.Json, one.Snapshot.Sha256), (again.Json, again.Snapshot!.Sha256));
        Assert.Equal("say \"hi\" \\ 😀 é", again.Snapshot.Rules[0].Groups[0]);
        string other = expected.Replace("\"f.a\",\"*\"", "\"*\",\"f.a\"", StringComparison.Ordinal);
        Assert.NotEqual(one.Snapshot.Sha256, PolicyTexts.Compile(other).Sha256);
    }

    // Proves that pretty JSON with escapes, as other programs write it, is the same policy.
    [Fact]
    public void Json_of_other_writers_is_read()
    {
        string json = PolicyTexts.Read(PolicyTexts.ReadFile("samples/policies/demo.yaml")).Json;
        using JsonDocument document = JsonDocument.Parse(json);
        string pretty = JsonSerializer.Serialize(document, Pretty).Replace("/", "\\/", StringComparison.Ordinal);
        Assert.Contains("\n", pretty, StringComparison.Ordinal);
        PolicyReading reading = PolicyTexts.Read(pretty);
        Assert.Empty(reading.Errors);
        Assert.Equal(json, reading.Json);
    }

    // Proves that the examples of the page for policy writers are right, by reading each YAML block of it that is a
    // whole document.
    [Fact]
    public void Examples_of_the_manual_compile()
    {
        string[] blocks = PolicyTexts.ReadFile("docs/POLICY.md").Split("```yaml\n")[1..];
        string[] documents = [.. blocks.Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)])
            .Where(block => block.StartsWith("apiVersion:", StringComparison.Ordinal))];
        Assert.NotEmpty(documents);
        Assert.All(documents, document => PolicyTexts.Compile(document));
    }

    // Proves that patterns are bounded over the whole document, by 2,000 masks of five patterns
    // each, and one more.
    [Fact]
    public void Patterns_are_counted()
    {
        string masks = PolicyTexts.TwoFunctions + "rules: []\nmasks:\n" + string.Concat(Enumerable.Range(0, 2_000)
            .Select(n => $"- {{ id: m{n}, functions: [\"*\", \"**\", \"f.*\", \"*.*\", \"f*\"], fields: [a] }}\n"));
        Assert.Empty(PolicyTexts.Read(masks).Errors);
        const string last = "id: m1999, functions: [";
        string oneMore = masks.Replace(last, last + "\"*f*\", ", StringComparison.Ordinal);
        Assert.Equal("more than 10000 patterns", Assert.Single(PolicyTexts.Read(oneMore).Errors).Message);
    }

    private static readonly JsonSerializerOptions Pretty = new() { WriteIndented = true };
}
