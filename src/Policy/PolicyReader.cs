using System.Security.Cryptography;
using System.Text;

namespace Countersign.Policy;

/// <summary>Reads a policy document (DESIGN section 6, docs/POLICY.md) and compiles it.</summary>
public static class PolicyReader
{
    private const string ApiVersion = "countersign/v1";

    private static readonly SectionKeys Keys = new(
        ["apiVersion", "upstreams", "functions", "rules"], ["separations", "masks", "limits", "mode"], [], []);

    /// <summary>How large a document may be, in bytes of UTF-8.</summary>
    public const int DocumentBytesMax = PolicyLimits.DocumentBytesMax;

    /// <summary>
    /// Reads YAML, or JSON, which is YAML. Every error is reported, not only the first; a document with any does not
    /// compile. Never throws for what the document says. A pure function: the same text gives the same answer.
    /// </summary>
    /// <param name="text">The document, at most 1 MiB in UTF-8.</param>
    /// <param name="vocabulary">Says what is wrong with what a mask selects.</param>
    /// <param name="version">The number it is published under; 0 if it is not.</param>
    public static PolicyReading Read(string text, MaskVocabulary vocabulary, long version = 0)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentOutOfRangeException.ThrowIfNegative(version);
        PolicyErrors errors = new();
        if (Encoding.UTF8.GetByteCount(text) > PolicyLimits.DocumentBytesMax)
        {
            errors.Add(1, 1, $"the document is larger than {PolicyLimits.DocumentBytesMax} bytes");
            return new PolicyReading(null, "", errors.InOrder());
        }

        return Compile(DocumentTree.Read(text, errors), vocabulary, version, errors);
    }

    /// <summary>
    /// Reads a policy that may be written in several files: <c>include</c> names others, by paths relative to the file
    /// that names them. What they hold is merged into one document.
    /// </summary>
    /// <param name="name">The first file, without its folder.</param>
    /// <param name="text">What it holds.</param>
    /// <param name="readFile">Reads another, by its path from the folder of the first, with <c>/</c>; null if there is
    /// none.</param>
    /// <param name="mayLeaveFolder">Paths may lead out of that folder.</param>
    /// <param name="vocabulary">Says what is wrong with what a mask selects.</param>
    public static PolicyReading ReadFiles(
        string name, string text, Func<string, string?> readFile, bool mayLeaveFolder, MaskVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(readFile);
        ArgumentNullException.ThrowIfNull(vocabulary);
        PolicyErrors errors = new();
        DocumentNode? root = new PolicyFiles(readFile, mayLeaveFolder, errors).Read(name, text);
        return Compile(root, vocabulary, 0, errors);
    }

    private static PolicyReading Compile(
        DocumentNode? root, MaskVocabulary vocabulary, long version, PolicyErrors errors)
    {
        PolicyContent content = new();
        if (root is not null) ReadRoot(root, content, vocabulary, errors);
        if (root is null || errors.Any) return new PolicyReading(null, "", errors.InOrder());

        StringBuilder written = new();
        root.WriteJson(written);
        string json = written.ToString();
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json)));
        return new PolicyReading(new PolicySnapshot(version, sha256, content), json, []);
    }

    /// <summary>The key of an include that nobody has merged.</summary>
    private static DocumentNode? TakeInclude(DocumentNode root)
    {
        int at = root.Entries.FindIndex(entry => entry.Key.Text == "include");
        if (at < 0) return null;
        DocumentNode key = root.Entries[at].Key;
        root.Entries.RemoveAt(at);
        return key;
    }

    private static void ReadRoot(
        DocumentNode root, PolicyContent content, MaskVocabulary vocabulary, PolicyErrors errors)
    {
        if (TakeInclude(root) is { } include)
        {
            errors.Add(include, "'include' is for files: the command line merges them, and what is sent is whole");
        }

        if (Section.Open(root, "the document", Keys, errors) is not { } document) return;
        if (document.Text("apiVersion") is { } apiVersion && apiVersion != ApiVersion)
        {
            errors.Add(document.Find("apiVersion")!, $"apiVersion must be {ApiVersion}, not '{apiVersion}'");
        }

        content.Mode = RuleReader.ReadMode(document);
        FunctionReader functions = new(content, errors);
        functions.ReadUpstreams(document.Find("upstreams"));
        functions.ReadFunctions(document.Find("functions"));
        RuleReader rules = new(content, functions, errors);
        rules.ReadRules(document.List("rules", 0, PolicyLimits.RulesMax) ?? []);
        rules.ReadSeparations(document.List("separations", 0, PolicyLimits.RulesMax) ?? []);
        MaskReader masks = new(content, functions, vocabulary, errors);
        masks.ReadMasks(document.List("masks", 0, PolicyLimits.RulesMax) ?? []);
        LimitReader limits = new(content, functions, errors);
        limits.ReadLimits(document.List("limits", 0, PolicyLimits.RateLimitsMax) ?? []);
    }
}
