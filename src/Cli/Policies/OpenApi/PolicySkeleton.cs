using System.Text;

namespace Countersign.Cli.Policies.OpenApi;

/// <summary>Writes a policy that denies everything, with rules to begin from as comments.</summary>
internal static class PolicySkeleton
{
    /// <summary>The document, with its report as comments at the top.</summary>
    internal static string Write(OpenApiImportResult import)
    {
        StringBuilder text = new();
        text.Append($"# Taken from {Comment(import.Title)}. Risks are guesses from the method: look at each.\n");
        foreach (string note in import.Notes) text.Append($"# Note: {Comment(note)}\n");
        text.Append("apiVersion: countersign/v1\n\nupstreams:\n");
        foreach (ImportedUpstream upstream in import.Upstreams)
        {
            text.Append($"  {Quote(upstream.Name)}:\n    endpoints: [{Quote(upstream.Endpoint)}]\n");
        }

        text.Append("\nfunctions:\n");
        foreach (ImportedFunction function in import.Functions) Write(text, function);
        text.Append("\n# Nobody may call anything until there are rules. To begin from:\n");
        WriteExamples(text, import.Functions);
        return text.Append("rules: []\n").ToString();
    }

    private static void Write(StringBuilder text, ImportedFunction function)
    {
        if (function.Summary.Length > 0) text.Append($"  # {Comment(function.Summary)}\n");
        text.Append($"  {Quote(function.Id)}:\n    {{ upstream: {Quote(function.Upstream)}, ")
            .Append($"method: {function.Method}, path: {Quote(function.Path)}, risk: {function.Risk}");
        if (function.Tags.Count > 0) text.Append($", tags: [{List(function.Tags)}]");
        if (function.Headers.Count > 0) text.Append($", headers: [{List(function.Headers)}]");
        text.Append(" }\n");
    }

    private static void WriteExamples(StringBuilder text, IReadOnlyList<ImportedFunction> functions)
    {
        string[] reads = [.. functions.Where(one => one.Risk == "low").Select(one => Quote(one.Id)).Take(3)];
        string[] writes = [.. functions.Where(one => one.Risk != "low").Select(one => Quote(one.Id)).Take(3)];
        if (reads.Length > 0)
        {
            text.Append("#   - { id: read, subjects: { groups: [staff] }, ")
                .Append($"functions: [{string.Join(", ", reads)}], effect: allow }}\n");
        }

        if (writes.Length == 0) return;
        text.Append("#   - id: change\n#     subjects: { groups: [staff] }\n")
            .Append($"#     functions: [{string.Join(", ", writes)}]\n")
            .Append("#     effect: approve\n#     approval: { stages: [{ groups: [leads], count: 1 }] }\n");
    }

    /// <summary>One line of printable text: a comment must not become a part of the document.</summary>
    private static string Comment(string text)
    {
        string line = string.Concat(text.Select(one =>
            char.IsControl(one) || one is '\u2028' or '\u2029' ? ' ' : one)).Trim();
        return line.Length > 200 ? line[..200] + "…" : line;
    }

    private static string List(IEnumerable<string> texts) => string.Join(", ", texts.Select(Quote));

    private static string Quote(string text)
    {
        bool isPlain = text.Length > 0 && char.IsAsciiLetter(text[0])
            && text.All(one => char.IsAsciiLetterOrDigit(one) || one is '.' or '_' or '-')
            && text.ToLowerInvariant() is not ("true" or "false" or "null" or "nan");
        return isPlain ? text : "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
    }
}
