namespace Countersign.Cli.Configuration;

/// <summary>Where a secret is, never the secret itself: <c>file:path</c> or <c>env:NAME</c>.</summary>
/// <param name="File">A file, or null.</param>
/// <param name="Variable">An environment variable, or null.</param>
internal sealed record SecretReference(string? File, string? Variable)
{
    /// <summary>Reads a reference; null where it is neither form.</summary>
    internal static SecretReference? Parse(string text, Func<string, string> resolvePath)
    {
        if (text.StartsWith("file:", StringComparison.Ordinal) && text.Length > 5)
        {
            return new(resolvePath(text[5..]), null);
        }

        return text.StartsWith("env:", StringComparison.Ordinal) && text.Length > 4 ? new(null, text[4..]) : null;
    }
}
