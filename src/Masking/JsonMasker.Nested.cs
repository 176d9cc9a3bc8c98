using System.Buffers;

namespace Countersign.Masking;

/// <content>JSON inside JSON strings, masked by the same rules.</content>
public sealed partial class JsonMasker
{
    private JsonMasker? _inner;

    /// <summary>
    /// Masks the text of a string as the body it may be. What is JSON, or is on the way to it when it breaks off, is
    /// masked or hidden, and so is what breaks off and may hold what is looked for, which a laxer reader may find; what
    /// never was JSON, as <c>[note]</c> or <c>{name}</c>, is text like any other. Below the last level that is masked,
    /// JSON is hidden.
    /// </summary>
    private Inside LookInside(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        JsonMasker inner = _inner ??= new JsonMasker(_level + 1) { _width = _width };
        bool isTooDeep = _level == _program.NestedDepth;
        inner.Reset(isTooDeep ? Nothing : _program, _listener);
        inner._location?.Begin(_location!.ToString());
        MaskStatus status = inner.Write(text, output);
        if (status != MaskStatus.Refused) status = inner.Finish(output);
        if (status == MaskStatus.Done)
        {
            if (isTooDeep) return Inside.Hidden;
            MaskedCount += inner.MaskedCount;
            return inner.MaskedCount > 0 ? Inside.Edited : Inside.Clean;
        }

        bool isJson = inner._hasNames || inner.MaskedCount > 0 || inner.Refusal is MaskRefusal.TooDeep
            or MaskRefusal.ValueTooLong or MaskRefusal.KeyTooLong or MaskRefusal.NumberTooLong
            or MaskRefusal.GapTooLong;
        return isJson || _program.MayOccurIn(text) ? Inside.Hidden : Inside.NoJson;
    }

    /// <summary>The string, with the inner masker's edits; what stays keeps its escapes.</summary>
    private void PutEdited(WholeValue value, int skipped, IBufferWriter<byte> output)
    {
        MaskEdits edits = _inner!._edits!;
        ReadOnlySpan<byte> content = value.Content;
        int raw = 0;
        int decoded = 0;
        JsonEscapes.Advance(content, _escapes, ref raw, ref decoded, skipped, past: true);
        Keep(value, 0, raw + 1, output);
        for (int place = 0; place < edits.Count; place++)
        {
            if (edits.IsKept(place, out int start, out int length))
            {
                JsonEscapes.Advance(content, _escapes, ref raw, ref decoded, start + skipped, past: true);
                int from = raw;
                JsonEscapes.Advance(content, _escapes, ref raw, ref decoded, start + skipped + length, past: true);
                Keep(value, from + 1, raw + 1, output);
            }
            else
            {
                PutEscaped(edits.Text(start, length), output);
            }
        }

        Keep(value, value.Raw.Length - 1, value.Raw.Length, output);
        edits.Clear();
    }

    private void PutEscaped(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        if (text.SequenceEqual(Redacted))
        {
            Put("\\\"***\\\""u8, output);
            return;
        }

        _subject.Clear();
        Span<byte> escaped = _subject.Reserve(text.Length * 2);
        Put(escaped[..JsonEscapes.Escape(text, escaped)], output);
    }
}
