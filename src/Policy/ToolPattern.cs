namespace Countersign.Policy;

/// <summary>
/// Names of MCP tools as policy writes them: a name, or a pattern in which <c>*</c> stands for any run of characters.
/// </summary>
internal static class ToolPattern
{
    /// <summary>What is wrong with one, or null.</summary>
    public static string? FaultOf(string tool)
    {
        if (tool.Length > PolicyLimits.ToolCharactersMax)
            return $"a tool has at most {PolicyLimits.ToolCharactersMax} characters";
        if (tool.Contains("**", StringComparison.Ordinal)) return $"'{tool}': one '*' stands for any run of characters";
        foreach (char one in tool)
        {
            if (one != '*' && !IsNameCharacter(one))
                return $"'{tool}' is not a tool: letters, digits, '_', '-', '.', '/', ':', and '*' for any of them";
        }

        return null;
    }

    /// <summary>
    /// True for a character of a name. What people must tell apart is held to what they can read; MCP itself asks for
    /// no more (2025-11-25, Tools, Tool Names), but for the colon.
    /// </summary>
    public static bool IsNameCharacter(char one) =>
        char.IsAsciiLetterOrDigit(one) || one is '_' or '-' or '.' or '/' or ':';

    /// <summary>True if every name that <paramref name="narrow"/> takes is one that <paramref name="wide"/> takes.
    /// </summary>
    /// <remarks>No name holds a star, so the star of the narrow one can stand for whatever it takes.</remarks>
    public static bool Covers(string wide, string narrow) => Glob.Matches(wide, narrow);

    /// <summary>True if there is a name that both take; both are patterns.</summary>
    /// <remarks>What lies between the first star and the last of each can always stand one behind the other.</remarks>
    public static bool Overlap(string left, string right)
    {
        ReadOnlySpan<char> leftStart = left.AsSpan(0, left.IndexOf('*', StringComparison.Ordinal));
        ReadOnlySpan<char> rightStart = right.AsSpan(0, right.IndexOf('*', StringComparison.Ordinal));
        ReadOnlySpan<char> leftEnd = left.AsSpan(left.LastIndexOf('*') + 1);
        ReadOnlySpan<char> rightEnd = right.AsSpan(right.LastIndexOf('*') + 1);
        return (leftStart.StartsWith(rightStart) || rightStart.StartsWith(leftStart))
            && (leftEnd.EndsWith(rightEnd) || rightEnd.EndsWith(leftEnd));
    }
}
