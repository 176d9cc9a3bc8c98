namespace Countersign.Policy;

/// <summary>Function patterns: <c>*</c> matches any run of characters, all else itself; always the whole id.</summary>
internal static class Glob
{
    public static bool IsPattern(string text) => text.Contains('*', StringComparison.Ordinal);

    /// <summary>True if the whole of <paramref name="id"/> matches. Case matters.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> id)
    {
        int at = 0;
        int next = 0;
        int star = -1;
        int resume = 0;
        while (next < id.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                star = at++;
                resume = next;
            }
            else if (at < pattern.Length && pattern[at] == id[next])
            {
                at++;
                next++;
            }
            else if (star >= 0)
            {
                // Let the last star take one more; earlier stars need not be tried again.
                at = star + 1;
                next = ++resume;
            }
            else
            {
                return false;
            }
        }

        while (at < pattern.Length && pattern[at] == '*') at++;
        return at == pattern.Length;
    }
}
