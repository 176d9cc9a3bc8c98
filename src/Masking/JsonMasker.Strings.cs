using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>Values that are judged when they are whole: tokens, what detectors find, JSON inside strings.</content>
public sealed partial class JsonMasker
{
    private readonly HeldBytes _text = new();      // a string, decoded,
    private readonly EscapeMap _escapes = new();   // and the way back
    private readonly HeldBytes _subject = new();   // what a token is made of

    /// <summary>What became of a string that may hold JSON.</summary>
    private enum Inside : byte
    {
        Hidden = 0,
        Clean,
        Edited,
        NoJson,
    }

    /// <summary>The watched value has ended before <paramref name="position"/>.</summary>
    private void Judge(
        ReadOnlySpan<byte> input, int position, bool isString, bool isRoot, IBufferWriter<byte> output)
    {
        bool isHeld = _held.Count > 0;
        int offset = isHeld ? (int)Consumed - _held.Count : 0;   // of the place in a text that was seen whole
        if (isHeld) _held.Add(input[_copyFrom..position]);
        ReadOnlySpan<byte> all = isHeld ? _held.Bytes : input[..position];
        var value = new WholeValue(all[_valueAt..], _valueAt + offset, isString, isRoot);
        int before = isHeld ? 0 : _copyFrom;
        Hit whole = WholeHit(value, Decode(value), out DetectorSet detector);
        bool goes = whole != Hit.None && ActionOf(whole, isRoot) == MaskAction.Drop;
        int end = goes ? _memberAt : _valueAt;
        if (isHeld) Put(all[before..end], output);
        else CopyOut(input, before, end, output);
        if (goes) _memberAt = None;
        else Keep(_scanner.Depth);
        if (whole != Hit.None) PutWhole(whole, detector, value, output);
        else MaskInside(value, output);
        _valueAt = None;
        _copyFrom = position;
        _held.Clear();
        ForgetText();
        _subject.Clear();
    }

    // The text stays in the input, or in a buffer of ours, until the value is done with.
    private ReadOnlySpan<byte> Decode(WholeValue value)
    {
        if (!value.IsString) return value.Raw;
        ReadOnlySpan<byte> content = value.Content;
        if (content.IndexOf((byte)'\\') < 0) return content;   // and no block is noted
        if (_text.Count == 0) Decode(content);
        return _text.Bytes;
    }

    private void ForgetText()
    {
        _text.Clear();
        _escapes.Begin(0);
    }

    private void Decode(ReadOnlySpan<byte> content) =>
        _text.Advance(JsonEscapes.Decode(content, _text.Reserve(content.Length), _escapes));

    /// <summary>What happens to the value as a whole, if anything does.</summary>
    private Hit WholeHit(WholeValue value, ReadOnlySpan<byte> text, out DetectorSet detector)
    {
        detector = DetectorSet.None;
        if (_hit != Hit.None) return _hit;
        DetectorSet wanted = value.IsString ? _program.WholeDetectors : _program.Detectors;
        wanted = ValueFilter.Possible(text, wanted);
        Hit strictest = Hit.None;
        int from = 0;
        while (wanted != DetectorSet.None
            && ValueDetector.TryFind(text, wanted, from, _isUnderTellingName, out Detection found))
        {
            Hit hit = _program.HitOf(found, out DetectorSet by);
            if (hit < strictest)
            {
                strictest = hit;
                detector = by;
            }

            wanted &= ~found.All;
            from = found.Start;
        }

        return strictest;
    }

    private void PutWhole(Hit hit, DetectorSet detector, WholeValue value, IBufferWriter<byte> output)
    {
        MaskEffect effect = _program.EffectOf(hit);
        MaskAction action = ActionOf(hit, value.IsRoot);
        ReadOnlySpan<byte> text = Decode(value);
        switch (action)
        {
            case MaskAction.Drop:
                break;
            case MaskAction.Null:
                Put("null"u8, output);
                break;
            case MaskAction.Tokenize:
                Put("\""u8, output);
                PutToken(effect, text, output);
                Put("\""u8, output);
                break;
            case MaskAction.KeepLast4:
                if (value.IsString) _tail.AddPlain(text);
                else _tail.AddNumber(text);
                PutTail(isInString: false, output);
                break;
            default:
                Put(Redacted, output);
                break;
        }

        Count(hit, action, detector);
    }

    private void MaskInside(WholeValue value, IBufferWriter<byte> output)
    {
        if (value.IsString && _program.NestedDepth > 0)
        {
            ReadOnlySpan<byte> text = Decode(value);
            int skipped = JsonOpening.Blanks(text);
            text = text[skipped..];
            switch (JsonOpening.Begins(text) ? LookInside(text, output) : Inside.NoJson)
            {
                case Inside.Clean:
                    Keep(value, 0, value.Raw.Length, output);
                    return;
                case Inside.Edited:
                    PutEdited(value, skipped, output);
                    return;
                case Inside.Hidden:
                    Put(Redacted, output);
                    Count(Hit.None, MaskAction.Redact, DetectorSet.None);
                    return;
                default:
                    break;
            }
        }

        if (value.IsString && _program.Detectors != DetectorSet.None) MaskFindings(value, output);
        else Keep(value, 0, value.Raw.Length, output);
    }

    private void MaskFindings(WholeValue value, IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> text = Decode(value);
        bool isDecoded = text.Length != value.Content.Length;
        int kept = 0;        // in the raw value, its quote included
        int raw = 0;         // in its content
        int decoded = 0;
        int from = 0;
        var search = new ValueSearch(new(text), _program.Detectors, _isUnderTellingName);
        while (search.TryNext(out Detection found))
        {
            from = found.End;
            if (isDecoded) JsonEscapes.Advance(value.Content, _escapes, ref raw, ref decoded, found.Start, past: false);
            else raw = found.Start;
            Keep(value, kept, raw + 1, output);
            PutFinding(found, text.Slice(found.Start, found.Length), output);
            if (isDecoded) JsonEscapes.Advance(value.Content, _escapes, ref raw, ref decoded, from, past: true);
            else raw = from;
            kept = raw + 1;
        }

        Keep(value, kept, value.Raw.Length, output);
    }

    private void PutFinding(Detection found, ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        Hit hit = _program.HitOf(found, out DetectorSet detector);
        MaskEffect effect = _program.EffectOf(hit);
        if (effect.Action == MaskAction.Tokenize)
        {
            PutToken(effect, text, output);
        }
        else if (effect.Action == MaskAction.KeepLast4)
        {
            _tail.AddPlain(text);
            PutTail(isInString: true, output);
        }
        else
        {
            Put("***"u8, output);
        }

        Count(hit, effect.Action, detector);
    }

    private void PutToken(MaskEffect effect, ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        _subject.Clear();
        _subject.Add(effect.Class);
        _subject.Add(text);
        Span<byte> token = stackalloc byte[TokenKey.TokenBytes];
        effect.Key!.Write(_subject.Bytes, token);
        Put(token, output);
    }

    private void PutTail(bool isInString, IBufferWriter<byte> output)
    {
        Span<byte> tail = stackalloc byte[TailText.BytesMax];
        ReadOnlySpan<byte> text = TakeTail(tail);
        Put(isInString ? text[1..^1] : text, output);
        tail.Clear();
    }

    private ReadOnlySpan<byte> TakeTail(Span<byte> tail)
    {
        int written = _tail.Write(tail);
        _tail.Clear();
        return written == 0 ? Redacted : tail[..written];
    }

    private void Keep(WholeValue value, int from, int to, IBufferWriter<byte> output)
    {
        if (from >= to) return;
        if (_edits is null) output.Write(value.Raw[from..to]);
        else _edits.AddKept(value.Start + from, to - from);
    }

    /// <summary>A scalar, whole.</summary>
    private readonly ref struct WholeValue(ReadOnlySpan<byte> raw, int start, bool isString, bool isRoot)
    {
        /// <summary>As it stands in the body.</summary>
        public ReadOnlySpan<byte> Raw { get; } = raw;

        /// <summary>Where it begins in a text that was seen whole.</summary>
        public int Start { get; } = start;

        public bool IsString { get; } = isString;

        /// <summary>True if it is the whole body.</summary>
        public bool IsRoot { get; } = isRoot;

        /// <summary>A string without its quotes.</summary>
        public ReadOnlySpan<byte> Content => Raw[1..^1];
    }
}
