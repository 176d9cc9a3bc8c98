using System.Text;

namespace Countersign.Policy.Tests;

public sealed class FunctionTrieTests
{
    private static readonly PolicySnapshot Routes = PolicyTexts.CompileRoutes(
        ("root", "GET", "/"),
        ("account", "GET", "/billing/{account}"),
        ("me", "GET", "/billing/me"),
        ("reset", "POST", "/billing/{account}/reset"),
        ("my-limits", "GET", "/billing/me/limits"),
        ("ledger", "GET", "/billing/{account}/ledger/{entry}"),
        ("deep", "GET", "/billing/me/ledger/first/page"),
        ("cafe", "GET", "/café/{cup}"),
        ("plus", "GET", "/a+b/c:d"));

    // Proves which template wins and what finds nothing, by a table of paths: literal first, the parameter again where
    // the literal dead-ends, whole segments, exact case, exact method.
    [Theory]
    [InlineData("GET", "/", "root")]
    [InlineData("GET", "/billing/42", "account")]
    [InlineData("GET", "/billing/me", "me")]
    [InlineData("GET", "/billing/Me", "account")]
    [InlineData("GET", "/billing/mee", "account")]
    [InlineData("POST", "/billing/me/reset", "reset")]
    [InlineData("GET", "/billing/me/ledger/7", "ledger")]
    [InlineData("GET", "/billing/me/ledger/first", "ledger")]
    [InlineData("GET", "/billing/me/ledger/first/page", "deep")]
    [InlineData("GET", "/billing/me/limits", "my-limits")]
    [InlineData("GET", "/billing/you/limits", null)]
    [InlineData("GET", "/billing", null)]
    [InlineData("GET", "/billing/", null)]
    [InlineData("GET", "/billing/me/", null)]
    [InlineData("GET", "//me", null)]
    [InlineData("GET", "/Billing/me", null)]
    [InlineData("GET", "/billing/42/ledger/7/more", null)]
    [InlineData("HEAD", "/billing/42", null)]
    [InlineData("get", "/billing/42", null)]
    [InlineData("DELETE", "/billing/42", null)]
    [InlineData("", "/billing/42", null)]
    [InlineData("GET", "", null)]
    [InlineData("GET", "billing/42", null)]
    [InlineData("GET", "*", null)]
    public void Finds_the_function_of_a_path(string method, string path, string? expected) =>
        Assert.Equal(expected, PolicyTexts.Resolve(Routes, method, path));

    // Proves that policy sees through percent-encoding and that broken encoding matches nothing, by a table of paths.
    [Theory]
    [InlineData("POST", "/billing/a/%72eset", "reset")]
    [InlineData("POST", "/%62%69%6c%6C%69%6E%67/a/reset", "reset")]
    [InlineData("GET", "/billing/%6de", "me")]
    [InlineData("GET", "/billing/%256de", "account")]
    [InlineData("GET", "/caf%C3%A9/x", "cafe")]
    [InlineData("GET", "/café/x", "cafe")]
    [InlineData("GET", "/a%2Bb/c%3ad", "plus")]
    [InlineData("GET", "/billing/%2", null)]
    [InlineData("GET", "/billing/%", null)]
    [InlineData("GET", "/billing/%zz", null)]
    [InlineData("GET", "/billing/%6g", null)]
    [InlineData("GET", "/billing/%g6", null)]
    [InlineData("GET", "/billing/a%2fb", null)]
    [InlineData("GET", "/billing/a%00", null)]
    public void Decodes_segments_before_matching(string method, string path, string? expected) =>
        Assert.Equal(expected, PolicyTexts.Resolve(Routes, method, path));

    // Proves that a segment longer than the decoding buffer still matches a parameter, and never a literal that it
    // begins with; by encoding one segment at, below and above the limit.
    [Fact]
    public void A_segment_may_be_longer_than_any_literal()
    {
        string literal = new('x', PolicyLimits.SegmentBytesMax);
        PolicySnapshot snapshot = PolicyTexts.CompileRoutes(("long", "GET", "/" + literal), ("any", "GET", "/{any}"));
        Assert.Equal("long", PolicyTexts.Resolve(snapshot, "GET", "/" + literal));
        Assert.Equal("long", PolicyTexts.Resolve(snapshot, "GET", "/%78" + literal[1..]));
        Assert.Equal("any", PolicyTexts.Resolve(snapshot, "GET", "/%78" + literal));
        Assert.Equal("any", PolicyTexts.Resolve(snapshot, "GET", "/%78" + literal[2..]));
        Assert.Null(PolicyTexts.Resolve(snapshot, "GET", "/" + literal + literal + "%7"));
    }

    // Proves that every one of 5,000 functions is found under its own path, so that no hash or node is shared by
    // mistake.
    [Fact]
    public void Many_functions_are_each_found()
    {
        PolicySnapshot snapshot = PolicyTexts.CompileRoutes(
            [.. Enumerable.Range(0, 5_000)
                .Select(n => ($"f{n}", n % 2 == 0 ? "GET" : "PUT", $"/s{n / 70}/{{id}}/t{n}"))]);
        for (int n = 0; n < 5_000; n++)
        {
            string path = $"/s{n / 70}/anything/t{n}";
            Assert.Equal($"f{n}", PolicyTexts.Resolve(snapshot, n % 2 == 0 ? "GET" : "PUT", path));
            Assert.Null(PolicyTexts.Resolve(snapshot, n % 2 == 0 ? "PUT" : "GET", path));
        }
    }

    // Proves that the trie agrees with trying every template in order of precedence, on random templates and paths.
    [Fact]
    public void Agrees_with_a_plain_search()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        string[] words = ["a", "b", "c"];
        for (int round = 0; round < 400; round++)
        {
            Dictionary<string, string> templates = [];
            for (int n = 0; n < 12; n++)
            {
                string[] segments = new string[random.Next(1, 5)];
                for (int s = 0; s < segments.Length; s++)
                {
                    segments[s] = random.Next(2) == 0 ? "{}" : words[random.Next(3)];
                }

                templates.TryAdd("/" + string.Join('/', segments), $"f{n}");
            }

            PolicySnapshot snapshot = PolicyTexts.CompileRoutes(
                [.. templates.Select(entry => (entry.Value, "GET", NameParameters(entry.Key)))]);
            for (int n = 0; n < 40; n++)
            {
                string path = string.Concat(
                    Enumerable.Range(0, random.Next(1, 6)).Select(_ => "/" + "abcd"[random.Next(4)]));
                string? found = PolicyTexts.Resolve(snapshot, "GET", path);
                Assert.True(Search(templates, path) == found, $"seed {seed}: {path}");
            }
        }
    }

    /// <summary>
    /// The least of all matching templates, where at the first difference a literal is less than a parameter.
    /// </summary>
    private static string? Search(Dictionary<string, string> templates, string path)
    {
        string[] sent = path.Split('/');
        return templates.Keys
            .Where(template => template.Split('/') is { } t && t.Length == sent.Length
                && t.Zip(sent).All(pair => pair.First == "{}" || pair.First == pair.Second))
            .OrderBy(template => template.Replace("{}", "\uffff", StringComparison.Ordinal), StringComparer.Ordinal)
            .Select(template => templates[template]).FirstOrDefault();
    }

    private static string NameParameters(string template)
    {
        StringBuilder named = new();
        int count = 0;
        foreach (char one in template) named.Append(one == '}' ? $"p{count++}}}" : one.ToString());
        return named.ToString();
    }
}
