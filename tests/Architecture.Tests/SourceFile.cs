using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

/// <summary>One C# file: its path from the root, its lines, its code and what it declares.</summary>
internal sealed partial class SourceFile
{
    private readonly SourceText _parts;

    public SourceFile(string path, string text)
    {
        Path = path;
        Text = text;
        _parts = new SourceText(text);
        Lines = text.Split('\n');
        if (Lines[^1].Length == 0) Lines = Lines[..^1];
        CodeLines = _parts.Code.Split('\n')[..Lines.Length];
        CommentLines = _parts.Comments.Split('\n')[..Lines.Length];
        Members = MemberFinder.Find(_parts.Code);
    }

    public string Path { get; }

    public string Text { get; }

    /// <summary>The text with comments and what literals hold blanked.</summary>
    public string Code => _parts.Code;

    public string[] Lines { get; }

    public string[] CodeLines { get; }

    public string[] CommentLines { get; }

    /// <summary>Its types, methods and properties, outermost first.</summary>
    public IReadOnlyList<Member> Members { get; }

    /// <summary>The namespace it declares; empty if none.</summary>
    public string Namespace => NamespaceLine().Match(Code).Groups[1].Value;

    /// <summary>Where its code matches, as "path:line: the line".</summary>
    public IEnumerable<string> Find(Regex pattern) =>
        pattern.Matches(Code).Select(match => LineOf(match.Index)).Distinct().Select(Cite);

    /// <summary>The line number, from 1, of a position in the text.</summary>
    public int LineOf(int position) => Text.AsSpan(0, position).Count('\n') + 1;

    public string Cite(int line) => Path + ":" + line + ": " + Lines[line - 1].Trim();

    /// <summary>Whether a comment on this line or one of the eight before it says <paramref name="words"/>.</summary>
    public bool IsExcused(int line, string words) =>
        CommentLines[Math.Max(0, line - 9)..line].Any(text => text.Contains(words, StringComparison.Ordinal));

    [GeneratedRegex(@"^\s*namespace\s+([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
