using YamlDotNet.Core;

namespace Countersign.Policy;

/// <summary>How a text of the document was written: places within it are places of the document.</summary>
/// <param name="Source">The document.</param>
/// <param name="Style">Plain, quoted or a block.</param>
internal sealed record TextOrigin(string Source, ScalarStyle Style)
{
    /// <summary>
    /// The line and column at which a text's character is written. White space may be folded, so what is not white
    /// space is followed from the text's beginning on; a place between is that of what comes next.
    /// </summary>
    /// <param name="node">The text, at its own line and column.</param>
    /// <param name="offset">The character, in UTF-16 code units from 0.</param>
    public (int Line, int Column) Find(DocumentNode node, int offset)
    {
        int at = Start(node);
        for (int index = 0; index < offset && index < node.Text.Length; index++)
        {
            if (char.IsWhiteSpace(node.Text[index]) && !IsEscape(at)) continue;
            at = SkipSpace(at);
            at += LengthAt(at);
        }

        bool isBetween = offset >= node.Text.Length || char.IsWhiteSpace(node.Text[offset]);
        return PlaceOf(isBetween ? at : SkipSpace(at));
    }

    private bool IsQuoted => Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted;

    private int Start(DocumentNode node)
    {
        int at = 0;
        for (int line = 1; line < node.Line && at >= 0; line++) at = Source.IndexOf('\n', at) + 1;
        at = Math.Min(Source.Length, at + node.Column - 1);
        if (IsQuoted) return at + 1;
        if (Style is not (ScalarStyle.Literal or ScalarStyle.Folded)) return at;

        // After the line of the | or >, which may have a comment.
        int end = Source.IndexOf('\n', at);
        return end < 0 ? Source.Length : end + 1;
    }

    private int SkipSpace(int at)
    {
        while (at < Source.Length && char.IsWhiteSpace(Source[at])) at++;
        return at;
    }

    private bool IsEscape(int at) =>
        Style == ScalarStyle.DoubleQuoted && at < Source.Length && Source[at] == '\\';

    /// <summary>How many characters of the document write one of the text.</summary>
    private int LengthAt(int at)
    {
        if (at >= Source.Length) return 0;
        if (Style == ScalarStyle.SingleQuoted && Source[at] == '\'') return 2;
        if (!IsEscape(at) || at + 1 >= Source.Length) return 1;
        return Source[at + 1] switch { 'x' => 4, 'u' => 6, 'U' => 10, _ => 2 };
    }

    private (int Line, int Column) PlaceOf(int at)
    {
        ReadOnlySpan<char> before = Source.AsSpan(0, Math.Min(at, Source.Length));
        return (before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));
    }
}
