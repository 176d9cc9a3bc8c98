using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <content>What is detected in a window that is sound: where the blocks have marks, without a search for them in each
/// value, and, where nothing is found, without a byte being moved.</content>
public sealed partial class JsonMasker
{
    private const int DetectedBytesMin = 5;   // nothing shorter is detected in a string

    private int _judgedTo;   // strings before this place were looked into beside their names

    /// <summary>Looks into the string that ends at <paramref name="close"/>, in which something may be
    /// detected.</summary>
    private void ActOnString(ReadOnlySpan<byte> input, int close, bool isEscaped, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        int open = window.QuoteBefore(close);
        if (open < _copyFrom || open < _judgedTo || close - open <= DetectedBytesMin || IsKey(input, close)) return;
        if (isEscaped)
        {
            LookIntoEscaped(input, open, close, ref output);
            return;
        }

        ReadOnlySpan<ulong> places = window.Marked(open + 1, close);
        if (!places.IsEmpty) MaskIn(input, open + 1, close, places, isTelling: false, ref output);
    }

    /// <summary>Masks what is found in the string's text from <paramref name="from"/> to <paramref name="to"/>, nothing
    /// of which is escaped.</summary>
    private void MaskIn(
        ReadOnlySpan<byte> input, int from, int to, ReadOnlySpan<ulong> places, bool isTelling, ref OutputRun output)
    {
        var text = new ValueText(input, from, to);
        if (TryFindOnly(text, places, isTelling, out Detection only))
        {
            if (only.Length == 0) return;
            if (_program.WholeDetectors == DetectorSet.None) PutFinding(input, from + only.Start, only, ref output);
            else JudgeWhole(input, from - 1, to + 1, isTelling, ref output);
        }
        else
        {
            MaskAll(input, from, text, places, isTelling, ref output);
        }
    }

    private bool TryFindOnly(in ValueText text, ReadOnlySpan<ulong> places, bool isTelling, out Detection found)
    {
        found = Detection.None;
        ulong only = places.IsEmpty ? 0 : places[0];
        return places.Length <= 1
            && ValueSearch.TryFindFirst(text, _program.Detectors, isTelling, only, out found, out bool isAll) && isAll;
    }

    private void MaskAll(
        ReadOnlySpan<byte> input, int from, in ValueText text, ReadOnlySpan<ulong> places, bool isTelling,
        ref OutputRun output)
    {
        var search = new ValueSearch(text, _program.Detectors, isTelling, places);
        if (!search.TryNext(out Detection found)) return;
        if (_program.WholeDetectors != DetectorSet.None)
        {
            JudgeWhole(input, from - 1, from + text.Value.Length + 1, isTelling, ref output);
            return;
        }

        do
        {
            PutFinding(input, from + found.Start, found, ref output);
        }
        while (search.TryNext(out found));
    }

    private void PutFinding(ReadOnlySpan<byte> input, int start, in Detection found, ref OutputRun output)
    {
        int end = start + found.Length;
        bool isRedacted = (found.All & ~_program.RedactingDetectors) == DetectorSet.None;
        if (isRedacted && _edits is null)
        {
            output.AddStars(input, _copyFrom, start);
            MaskedCount++;
        }
        else
        {
            CopyOut(input, _copyFrom, start, ref output);
            PutFinding(found, input[start..end], ref output);
        }

        _copyFrom = end;
    }

    private void PutFinding(in Detection found, ReadOnlySpan<byte> text, ref OutputRun output)
    {
        if (_program.EffectOf(_program.HitOf(found, out _)).Action == MaskAction.Redact)
        {
            Put("***"u8, ref output);
            MaskedCount++;
            return;
        }

        PutFinding(found, text, output.Flush());
        _subject.Clear();
    }

    // Most that is escaped has nothing to find: that is seen before anything is made ready to leave.
    private void LookIntoEscaped(ReadOnlySpan<byte> input, int open, int close, ref OutputRun output)
    {
        ReadOnlySpan<byte> content = input[(open + 1)..close];
        Decode(content);
        var text = new ValueText(_text.BytesAndRoom, 0, _text.Count);
        var search = new ValueSearch(text, _program.Detectors, besideTellingName: false);
        if (search.TryNext(out _)) JudgeWhole(input, open, close + 1, isTelling: false, ref output);
        ForgetText();
    }

    /// <summary>Judges the number from <paramref name="start"/> to <paramref name="end"/> if something is found in
    /// it.</summary>
    private void ActOnNumber(ReadOnlySpan<byte> input, int start, int end, ref OutputRun output)
    {
        ReadOnlySpan<ulong> places = _blocks!.Marked(start, end);
        if (places.IsEmpty) return;
        var text = new ValueText(input, start, end);
        if (!TryFindOnly(text, places, isTelling: false, out Detection found))
        {
            var search = new ValueSearch(text, _program.Detectors, besideTellingName: false, places);
            search.TryNext(out found);
        }

        if (found.Length > 0) JudgeWhole(input, start, end, isTelling: false, ref output);
    }

    /// <summary>Judges the string or number from <paramref name="start"/> to <paramref name="end"/>, whose name tells
    /// of a secret.</summary>
    private void ActOnTold(ReadOnlySpan<byte> input, int start, int end, ref OutputRun output)
    {
        BlockWindow window = _blocks!;
        bool isPlain = input[start] == '"' && !window.IsEscaped(end - 1)
            && !(_program.NestedDepth > 0 && JsonOpening.MayBegin(input[start + 1]));
        if (isPlain)
        {
            MaskIn(input, start + 1, end - 1, window.Marked(start + 1, end - 1), isTelling: true, ref output);
            _judgedTo = end;
        }
        else JudgeWhole(input, start, end, isTelling: true, ref output);
    }

    private void JudgeWhole(ReadOnlySpan<byte> input, int start, int end, bool isTelling, ref OutputRun output)
    {
        _valueAt = start;
        _isUnderTellingName = isTelling;
        Judge(input, end, input[start] == '"', isRoot: false, output.Flush());
    }
}
