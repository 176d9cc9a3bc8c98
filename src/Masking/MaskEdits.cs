namespace Countersign.Masking;

/// <summary>What a masker did to a text that it saw whole: pieces of it that stay, and texts put between them. Kept
/// instead of output, so that the pieces can leave as they were spelled inside a string.</summary>
internal sealed class MaskEdits
{
    private readonly HeldBytes _texts = new();
    private Edit[] _edits = new Edit[16];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    public void Clear()
    {
        Count = 0;
        _texts.Clear();
    }

    /// <summary>A piece of the text stays.</summary>
    public void AddKept(int start, int length) => Add(new Edit(true, start, length));

    /// <summary>Other text comes here.</summary>
    public void AddText(ReadOnlySpan<byte> text)
    {
        Add(new Edit(false, _texts.Count, text.Length));
        _texts.Add(text);
    }

    /// <summary>True if the edit at <paramref name="place"/> is a piece that stays, of <paramref name="start"/> and
    /// <paramref name="length"/>; else its text is there.</summary>
    public bool IsKept(int place, out int start, out int length)
    {
        Edit edit = _edits[place];
        start = edit.Start;
        length = edit.Length;
        return edit.IsKept;
    }

    /// <summary>The text of an edit.</summary>
    public ReadOnlySpan<byte> Text(int start, int length) => _texts.Bytes.Slice(start, length);

    private void Add(Edit edit)
    {
        if (Count == _edits.Length) Array.Resize(ref _edits, Count * 2);
        _edits[Count++] = edit;
    }

    private readonly record struct Edit(bool IsKept, int Start, int Length);
}
