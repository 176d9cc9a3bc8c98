namespace Countersign.Policy;

/// <summary>Patterns of function ids, as policy writes them: <c>billing.*</c>.</summary>
public static class FunctionPattern
{
    /// <summary>True if <paramref name="pattern"/> names the whole of <paramref name="id"/>; <c>*</c> is any run of
    /// characters. Case matters.</summary>
    public static bool Matches(string pattern, string id)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(id);
        return Glob.Matches(pattern, id);
    }
}
