using System.Runtime.CompilerServices;
using System.Text;

namespace Countersign.Policy.Tests;

/// <summary>Policies for the tests: from the repository's files, or small ones around the part under test.</summary>
internal static class PolicyTexts
{
    /// <summary>Functions f.a and f.b of low risk and no rules; other parts are appended.</summary>
    public const string TwoFunctions = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://127.0.0.1:1"] } }
        functions:
          f.a: { upstream: up, method: GET, path: /a, risk: low }
          f.b: { upstream: up, method: GET, path: /b, risk: low }

        """;

    /// <summary>The head of a policy, up to where its functions are listed.</summary>
    public const string Upstreams =
        "apiVersion: countersign/v1\nupstreams: { up: { endpoints: [\"http://h\"] } }\nfunctions:\n";

    public static string Root { get; } = FindRoot();

    public static string ReadFile(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Stands for the masking library: a field is refused if it holds "!!", a detector if it is not
    /// "jwt".</summary>
    public static MaskVocabulary Vocabulary { get; } = new(
        field => field.Contains("!!", StringComparison.Ordinal) ? "bad field" : null,
        detector => detector == "jwt" ? null : "bad detector");

    public static PolicyReading Read(string text) => PolicyReader.Read(text, Vocabulary);

    /// <summary>Compiles a policy that must be right.</summary>
    public static PolicySnapshot Compile(string text)
    {
        PolicyReading reading = Read(text);
        Assert.Empty(reading.Errors);
        return Assert.IsType<PolicySnapshot>(reading.Snapshot);
    }

    /// <summary>
    /// A policy of nothing but functions, each with the method and path that its name is paired with.
    /// </summary>
    public static PolicySnapshot CompileRoutes(params (string Id, string Method, string Path)[] routes)
    {
        StringBuilder text = new(Upstreams);
        foreach ((string id, string method, string path) in routes)
        {
            text.Append($"  {id}: {{ upstream: up, method: {method}, path: \"{path}\", risk: low }}\n");
        }

        return Compile(text.Append("rules: []\n").ToString());
    }

    public static Caller CallerIn(params string[] groups) =>
        new("https://issuer.test", "someone", CallerKind.Human, groups, ["someone"]);

    public static string? Resolve(
        PolicySnapshot snapshot, string method, string path, string host = "", bool isTls = false)
    {
        byte[] sent = Encoding.UTF8.GetBytes(path);
        bool found = snapshot.TryResolve(
            Encoding.UTF8.GetBytes(host), isTls, Encoding.UTF8.GetBytes(method), sent, out Function? function);
        Assert.Equal(found, function is not null);
        return function?.Id;
    }

    /// <summary>Up from the test's build, or from this source where the build went to a folder elsewhere.</summary>
    private static string FindRoot([CallerFilePath] string source = "") =>
        FindAbove(AppContext.BaseDirectory) ?? FindAbove(Path.GetDirectoryName(source)!)
            ?? throw new InvalidOperationException("the repository was not found");

    private static string? FindAbove(string path)
    {
        DirectoryInfo? folder = new(path);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json"))) folder = folder.Parent;
        return folder?.FullName;
    }
}
