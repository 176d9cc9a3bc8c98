namespace Countersign.Policy;

/// <summary>
/// What a rule, mask or limit says of functions: an id, a pattern of ids, or <c>tag:</c> and a tag or a pattern of
/// tags. No id holds a colon, so there is one way to read it.
/// </summary>
internal static class FunctionReference
{
    private const string TagPrefix = "tag:";

    public static bool IsTag(string written) => written.StartsWith(TagPrefix, StringComparison.Ordinal);

    /// <summary>The tag, or the pattern of tags, that is named.</summary>
    public static string TagOf(string written) => written[TagPrefix.Length..];

    /// <summary>True if the function is meant. Case matters.</summary>
    public static bool Covers(string written, string id, IReadOnlyList<string> tags)
    {
        if (!IsTag(written)) return Glob.Matches(written, id);
        string pattern = TagOf(written);
        foreach (string tag in tags)
        {
            if (Glob.Matches(pattern, tag)) return true;
        }

        return false;
    }
}
