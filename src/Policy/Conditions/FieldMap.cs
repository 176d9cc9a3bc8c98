using System.Text;
using System.Text.Unicode;

namespace Countersign.Policy.Conditions;

/// <summary>
/// The query's parameters or the header fields as a map of text. A name that comes twice has no value that two readers
/// would agree on: asking for it is an error.
/// </summary>
internal sealed class FieldMap(Evaluation evaluation) : ConditionContainer
{
    private ConditionValue[] _names = [];
    private ConditionValue[] _values = [];
    private int _count;
    private ConditionFault _fault;

    public bool IsRead { get; private set; }

    public void Clear()
    {
        if (!IsRead) return;
        IsRead = false;
        _names.AsSpan(0, _count).Clear();
        _values.AsSpan(0, _count).Clear();
        _count = 0;
        _fault = ConditionFault.Unstated;
    }

    /// <summary>Reads a query, percent-decoded, <c>+</c> as a space.</summary>
    public void ReadQuery(ReadOnlyMemory<byte> query)
    {
        IsRead = true;

        // Some readers part parameters at a semicolon too.
        if (query.Span.Contains((byte)';')) _fault = ConditionFault.BadQuery;
        while (!query.IsEmpty && _fault == ConditionFault.Unstated)
        {
            int end = query.Span.IndexOf((byte)'&');
            ReadOnlyMemory<byte> one = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];
            if (one.IsEmpty) continue;
            int equals = one.Span.IndexOf((byte)'=');
            ReadOnlyMemory<byte> value = equals < 0 ? default : one[(equals + 1)..];
            if (TryDecode(equals < 0 ? one : one[..equals], out ReadOnlyMemory<byte> name)
                && TryDecode(value, out value))
            {
                Add(name, ConditionValue.OfText(value), ConditionFault.RepeatedParameter);
            }
        }
    }

    /// <summary>Reads field lines; names in lower case, since HTTP does not tell them apart.</summary>
    public void ReadHeaders(ReadOnlyMemory<byte> lines)
    {
        IsRead = true;
        while (!lines.IsEmpty && _fault == ConditionFault.Unstated)
        {
            int end = lines.Span.IndexOf("\r\n"u8);
            ReadOnlyMemory<byte> line = end < 0 ? lines : lines[..end];
            lines = end < 0 ? default : lines[(end + 2)..];
            int colon = line.Span.IndexOf((byte)':');
            if (colon <= 0) continue;
            if (!evaluation.TryTake(colon, out Memory<byte> name))
            {
                _fault = ConditionFault.TooCostly;
                return;
            }

            Ascii.ToLower(line.Span[..colon], name.Span, out _);
            if (IsCredential(name.Span)) continue;
            ReadOnlyMemory<byte> text = Trim(line[(colon + 1)..]);
            ConditionValue value = Utf8.IsValid(text.Span)
                ? ConditionValue.OfText(text) : ConditionValue.Failed(ConditionFault.NotUtf8);
            Add(name, value, ConditionFault.RepeatedHeader);
        }
    }

    /// <summary>True for a field that no condition sees: it could be guessed letter by letter.</summary>
    public static bool IsCredential(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("authorization"u8) || name.SequenceEqual("proxy-authorization"u8)
        || name.SequenceEqual("cookie"u8) || name.SequenceEqual("dpop"u8);

    public override ConditionValue Count(int place) =>
        _fault == ConditionFault.Unstated ? ConditionValue.Of((long)_count) : ConditionValue.Failed(_fault);

    public override ConditionValue Next(int place, ref int cursor)
    {
        if (_fault != ConditionFault.Unstated) return cursor++ == 0 ? ConditionValue.Failed(_fault) : default;
        return cursor < _count ? _names[cursor++] : default;
    }

    public override ConditionValue Find(int place, in ConditionValue key, Evaluation evaluation)
    {
        if (_fault != ConditionFault.Unstated) return ConditionValue.Failed(_fault);
        int found = key.Kind == ValueKind.String ? IndexOf(key.Text) : -1;
        return !evaluation.TrySteps(_count) ? Evaluation.TooCostly : found < 0 ? default : _values[found];
    }

    public override ConditionValue At(int place, long index, Evaluation evaluation) =>
        ConditionValue.Failed(ConditionFault.NoOverload);

    private int IndexOf(ReadOnlySpan<byte> name)
    {
        for (int index = 0; index < _count; index++)
        {
            if (_names[index].Text.SequenceEqual(name)) return index;
        }

        return -1;
    }

    private void Add(ReadOnlyMemory<byte> name, in ConditionValue value, ConditionFault repeated)
    {
        int found = IndexOf(name.Span);
        if (found >= 0)
        {
            _values[found] = ConditionValue.Failed(repeated);
            return;
        }

        if (_count == ConditionLimits.ListedFieldsMax || !evaluation.TrySteps(1 + _count))
        {
            _fault = ConditionFault.TooManyFields;
            return;
        }

        if (_count == _names.Length)
        {
            Array.Resize(ref _names, Math.Max(16, _count * 2));
            Array.Resize(ref _values, _names.Length);
        }

        _names[_count] = ConditionValue.OfText(name);
        _values[_count++] = value;
    }

    private bool TryDecode(ReadOnlyMemory<byte> encoded, out ReadOnlyMemory<byte> decoded)
    {
        if (PercentText.TryDecode(encoded, plusIsSpace: true, evaluation, out decoded)) return true;
        _fault = ConditionFault.BadQuery;
        return false;
    }

    private static ReadOnlyMemory<byte> Trim(ReadOnlyMemory<byte> text)
    {
        ReadOnlySpan<byte> span = text.Span;
        int start = 0;
        int end = span.Length;
        while (start < end && span[start] is (byte)' ' or (byte)'\t') start++;
        while (end > start && span[end - 1] is (byte)' ' or (byte)'\t') end--;
        return text[start..end];
    }
}

/// <summary>Percent-decoding of what a condition reads of a target.</summary>
internal static class PercentText
{
    /// <summary>False for bad encoding, for what is not UTF-8, and when there is no room.</summary>
    [HotPath]
    public static bool TryDecode(
        ReadOnlyMemory<byte> encoded, bool plusIsSpace, Evaluation evaluation, out ReadOnlyMemory<byte> decoded)
    {
        decoded = encoded;
        ReadOnlySpan<byte> from = encoded.Span;
        if (!from.Contains((byte)'%') && !(plusIsSpace && from.Contains((byte)'+'))) return Utf8.IsValid(from);
        if (!evaluation.TryTake(from.Length, out Memory<byte> room)) return false;
        Span<byte> to = room.Span;
        int length = 0;
        for (int index = 0; index < from.Length; index++)
        {
            int one = from[index];
            if (one == '+' && plusIsSpace) one = ' ';
            if (one == '%')
            {
                if (index + 2 >= from.Length) return false;
                one = (FunctionTrie.HexValue(from[index + 1]) << 4) | FunctionTrie.HexValue(from[index + 2]);
                if (one < 0) return false;
                index += 2;
            }

            to[length++] = (byte)one;
        }

        decoded = room[..length];
        return Utf8.IsValid(to[..length]);
    }
}
