using System.Buffers;
using System.Text.Unicode;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>
/// Masks <c>application/x-www-form-urlencoded</c> as it streams by: fields by name, the decoded values of the others by
/// detectors. A field leaves once it is whole, which bounds its length; what is not masked leaves as it came.
/// </summary>
internal sealed class FormMasker
{
    private readonly byte[] _raw = new byte[ContentLimits.FormTextBytesMax];
    private readonly byte[] _name = new byte[ContentLimits.FormTextBytesMax];
    private readonly byte[] _value = new byte[ContentLimits.FormTextBytesMax];
    private readonly ArrayBufferWriter<byte> _replaced = new(256);
    private IFormFields? _fields;
    private IFoundText? _found;
    private DetectorSet _wanted;
    private BodyOpening _opening;
    private int _count;
    private bool _isFinished;

    /// <summary>Values that were masked, and detections in others.</summary>
    public int MaskedCount { get; private set; }

    /// <summary>Why the body was refused: constant text. Empty when it was not.</summary>
    public string RefusedBecause { get; private set; } = "no rules were set";

    /// <summary>Begins a body.</summary>
    public void Reset(IFormFields fields, DetectorSet wanted, IFoundText found)
    {
        (_fields, _wanted, _found) = (fields, wanted, found);
        _opening = default;
        _count = 0;
        _isFinished = false;
        MaskedCount = 0;
        RefusedBecause = "";
    }

    /// <summary>Takes the next bytes, all of them unless it refuses, and writes what may leave by now.</summary>
    public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (_isFinished) return Refuse("input after the end");
        while (!input.IsEmpty && RefusedBecause.Length == 0)
        {
            int end = input.IndexOf((byte)'&');
            ReadOnlySpan<byte> piece = end < 0 ? input : input[..end];
            if (piece.Length > _raw.Length - _count) return Refuse("a field is longer than the limit");
            piece.CopyTo(_raw.AsSpan(_count));
            _count += piece.Length;
            _opening.Take(piece);
            if (_opening.IsLie) return Refuse("the body is not the form it is said to be");
            if (end < 0) break;
            if (!EndField(output)) return MaskStatus.Refused;
            output.Write("&"u8);
            input = input[(end + 1)..];
        }

        return RefusedBecause.Length == 0 ? MaskStatus.NeedMore : MaskStatus.Refused;
    }

    /// <summary>The body has ended.</summary>
    public MaskStatus Finish(IBufferWriter<byte> output)
    {
        if (_isFinished) return Refuse("input after the end");
        if (RefusedBecause.Length > 0) return MaskStatus.Refused;
        if (_opening.IsLieAtEnd) return Refuse("the body is not the form it is said to be");
        if (!EndField(output)) return MaskStatus.Refused;
        _isFinished = true;
        return MaskStatus.Done;
    }

    private MaskStatus Refuse(string because)
    {
        if (RefusedBecause.Length == 0) RefusedBecause = because;
        _raw.AsSpan(0, _count).Clear();
        _count = 0;
        return MaskStatus.Refused;
    }

    private bool EndField(IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> raw = _raw.AsSpan(0, _count);
        _count = 0;
        int sign = raw.IndexOf((byte)'=');
        ReadOnlySpan<byte> rawName = sign < 0 ? raw : raw[..sign];
        ReadOnlySpan<byte> rawValue = sign < 0 ? [] : raw[(sign + 1)..];
        bool isDecoded = TryDecode(rawName, _name, out ReadOnlySpan<byte> name)
            & TryDecode(rawValue, _value, out ReadOnlySpan<byte> value);
        if (!isDecoded || _fields!.IsTooLong(name))
        {
            Refuse(isDecoded ? Refusals.TextOf(MaskRefusal.KeyTooLong) : "a field is not well-formed");
            return false;
        }

        _replaced.ResetWrittenCount();
        if (sign >= 0 && _fields.TryMask(name, value, _replaced))
        {
            output.Write(raw[..(sign + 1)]);
            PercentText.Encode(_replaced.WrittenSpan, output);
            MaskedCount++;
            return true;
        }

        // A name without a value may itself be what somebody wants hidden.
        WriteLooked(rawName, name, isTelling: false, output);
        if (sign < 0) return true;
        output.Write("="u8);
        WriteLooked(rawValue, value, TellingNames.IsTelling(name), output);
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<byte> raw, byte[] into, out ReadOnlySpan<byte> text)
    {
        bool isDecoded = PercentText.TryDecode(raw, into, out int written);
        text = into.AsSpan(0, written);
        return isDecoded && Utf8.IsValid(text);
    }

    private void WriteLooked(
        ReadOnlySpan<byte> raw, ReadOnlySpan<byte> text, bool isTelling, IBufferWriter<byte> output)
    {
        int from = 0;
        var search = new ValueSearch(new(text), _wanted, isTelling);
        while (search.TryNext(out Detection found))
        {
            int start = PercentText.RawLength(raw, found.Start - from);
            output.Write(raw[..start]);
            raw = raw[(start + PercentText.RawLength(raw[start..], found.Length))..];
            _replaced.ResetWrittenCount();
            _found!.Write(text.Slice(found.Start, found.Length), found, _replaced);
            PercentText.Encode(_replaced.WrittenSpan, output);
            MaskedCount++;
            from = found.End;
        }

        output.Write(raw);
    }
}
