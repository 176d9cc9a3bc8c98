namespace Countersign.Policy.Tests;

public sealed class PolicyFilesTests
{
    private const string Root = """
        apiVersion: countersign/v1
        include: [parts/functions.yaml, rules.yaml]
        upstreams: { up: { endpoints: ["http://h"] } }
        rules:
          - { id: first, subjects: { groups: [g] }, functions: [f.a], effect: allow }
        """;

    private const string Functions = """
        functions:
          f.a: { upstream: up, method: GET, path: /a, risk: low }
          f.b: { upstream: other, method: GET, path: /b, risk: low }
        include: [../more/upstreams.yaml]
        """;

    private const string Rules = """
        rules:
          - { id: second, subjects: { groups: [g] }, functions: [f.b], effect: deny }
        """;

    private const string More = """
        apiVersion: countersign/v1
        upstreams: { other: { endpoints: ["http://g"] } }
        """;

    // Proves that maps are joined and lists put one behind the other, by paths relative to the file that names them,
    // and that the merged document means the same when it is read as one.
    [Fact]
    public void Files_are_merged_into_one_document()
    {
        PolicyReading reading = Read(Root, ("parts/functions.yaml", Functions), ("rules.yaml", Rules),
            ("more/upstreams.yaml", More));
        Assert.Empty(reading.Errors);
        Assert.Equal(["first", "second"], reading.Snapshot!.Rules.Select(rule => rule.Id));
        Assert.Equal(["other", "up"], reading.Snapshot.Upstreams.Select(upstream => upstream.Name));
        PolicyReading again = PolicyTexts.Read(reading.Json);
        Assert.Equal(reading.Snapshot.Sha256, again.Snapshot!.Sha256);
        Assert.Equal("rules.yaml", reading.Snapshot.Rules[1].File);
    }

    // Proves that what cannot be merged is an error at its file, line and column: other files missing, circles, files
    // twice, paths that lead out, names given twice.
    [Theory]
    [InlineData("include: [parts/functions.yaml, gone.yaml]", "policy.yaml:2:33 there is no file 'gone.yaml'")]
    [InlineData("include: [./rules.yaml, parts/../rules.yaml, parts/functions.yaml]",
        "policy.yaml:2:25 'rules.yaml' is included twice")]
    [InlineData("include: [../secret.yaml, parts/functions.yaml]",
        "policy.yaml:2:11 '../secret.yaml' leaves the folder of the policy; --include-outside lets it")]
    [InlineData("include: [/etc/passwd, parts/functions.yaml]",
        "policy.yaml:2:11 '/etc/passwd' is not a relative path, with '/' between its parts")]
    [InlineData("include: [policy.yaml, parts/functions.yaml]",
        "policy.yaml:2:11 'policy.yaml' includes itself: policy.yaml includes policy.yaml")]
    [InlineData("include: parts/functions.yaml", "policy.yaml:2:10 include must be a list of files, not text")]
    [InlineData("include: [loop.yaml, parts/functions.yaml]",
        "loop.yaml:1:11 'policy.yaml' includes itself: policy.yaml includes loop.yaml includes policy.yaml")]
    [InlineData("include: [twice.yaml, parts/functions.yaml]",
        "parts/functions.yaml:2:3 'f.a' is given at twice.yaml:1 as well")]
    [InlineData("include: [mode.yaml, parts/functions.yaml]\nmode: enforce",
        "mode.yaml:1:1 'mode' is given at policy.yaml:3 as well")]
    [InlineData("include: [same.yaml, parts/functions.yaml]",
        "parts/functions.yaml:3:3 'f.b' has the method and path of 'f.0' at same.yaml:1")]
    [InlineData("include: [broken.yaml, parts/functions.yaml]",
        "broken.yaml:2:1 While parsing a flow sequence, did not find expected ',' or ']'.")]
    public void What_cannot_be_merged_is_an_error(string include, string error)
    {
        string root = Root.Replace(
            "include: [parts/functions.yaml, rules.yaml]", include, StringComparison.Ordinal);
        PolicyReading reading = Read(root, ("parts/functions.yaml", Functions), ("rules.yaml", Rules),
            ("more/upstreams.yaml", More), ("loop.yaml", "include: [policy.yaml]"), ("mode.yaml", "mode: observe"),
            ("twice.yaml", "functions: { f.a: { upstream: up, method: GET, path: /z, risk: low } }"),
            ("same.yaml", "functions: { f.0: { upstream: up, method: GET, path: /b, risk: low } }"),
            ("broken.yaml", "rules: [a\n"));
        Assert.Null(reading.Snapshot);
        Assert.Contains(error, reading.Errors.Select(one => $"{one.File}:{one.Line}:{one.Column} {one.Message}"));
    }

    // Proves that a path may lead out of the folder where that was allowed, and that a document which is sent whole may
    // include nothing.
    [Fact]
    public void Leaving_the_folder_must_be_said()
    {
        string root = Root.Replace("parts/functions.yaml, rules.yaml", "../shared/functions.yaml",
            StringComparison.Ordinal);
        string plain = Functions.Replace("include: [../more/upstreams.yaml]", "", StringComparison.Ordinal)
            .Replace("other", "up", StringComparison.Ordinal);
        PolicyReading reading = PolicyReader.ReadFiles(
            "policy.yaml", root, path =>
                path == "../shared/functions.yaml" ? plain : null, true, PolicyTexts.Vocabulary);
        Assert.Empty(reading.Errors);
        Assert.Contains(PolicyTexts.Read(Root).Errors, error => error.Message.StartsWith("'include' is for files"));
    }

    private static PolicyReading Read(string root, params (string Name, string Text)[] files) => PolicyReader.ReadFiles(
        "policy.yaml", root, path => files.FirstOrDefault(file => file.Name == path).Text, mayLeaveFolder: false,
        PolicyTexts.Vocabulary);
}
