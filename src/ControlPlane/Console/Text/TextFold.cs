namespace Countersign.ControlPlane.Console.Text;

/// <summary>Somebody else's text, ready to be shown: what is in sight, and what is folded away.</summary>
/// <param name="Shown">The parts in sight.</param>
/// <param name="Folded">The parts behind the fold.</param>
/// <param name="FoldedCharacters">How many characters those are.</param>
/// <param name="Notes">What the marks say, each once, the first few.</param>
/// <param name="Marks">How many characters are marked, folded ones included.</param>
public sealed record TextFold(
    IReadOnlyList<TextPart> Shown, IReadOnlyList<TextPart> Folded, int FoldedCharacters, IReadOnlyList<string> Notes,
    int Marks)
{
    private const int NotesMax = 3;

    internal static TextFold Of(string text, bool folds)
    {
        int end = folds && text.Length > ConsoleLimits.TextShownMax + (ConsoleLimits.TextShownMax / 4)
            ? ConsoleLimits.TextShownMax
            : text.Length;
        if (end < text.Length && char.IsLowSurrogate(text[end])) end--;
        List<TextPart> shown = VisibleParts.Of(text[..end]), folded = VisibleParts.Of(text[end..]);
        TextPart[] marked = [.. shown.Concat(folded).Where(part => part.Kind is not (
            TextPartKind.Plain or TextPartKind.Space))];
        string[] notes = [.. marked.Select(NoteOf).Distinct().Take(NotesMax)];
        return new TextFold(shown, folded, text.Length - end, notes, marked.Length);
    }

    private static string NoteOf(TextPart part) => part.Kind is TextPartKind.LookAlike or TextPartKind.Turned
        ? part.Note
        : part.Text + " " + part.Note;
}
