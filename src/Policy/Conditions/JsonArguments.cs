using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;

namespace Countersign.Policy.Conditions;

/// <summary>
/// The call's arguments: a flat index over their own bytes, made in one pass that also refuses what two parsers may
/// read differently. Values are slices of the body; only text with escapes is copied, decoded.
/// </summary>
internal sealed class JsonArguments : ConditionContainer
{
    private const int RowsKept = 1_024;
    private const int PairwiseMax = 16;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = Approvals.StrictJson.DepthMax };

    private readonly int[] _open = new int[Approvals.StrictJson.DepthMax + 1];
    private ReadOnlyMemory<byte> _json;
    private byte[] _decoded = [];
    private int _decodedUsed;
    private Row[] _rows = [];
    private int[] _names = [];
    private int _count;

    public ConditionValue Root => ValueOf(0);

    public void Clear()
    {
        _json = default;
        _count = 0;
        if (_rows.Length > RowsKept) _rows = [];
        if (_decoded.Length == 0) return;
        _decoded.AsSpan(0, _decodedUsed).Clear();
        ArrayPool<byte>.Shared.Return(_decoded);
        _decoded = [];
        _decodedUsed = 0;
    }

    /// <summary>Indexes one JSON value; <see cref="ConditionFault.Unstated"/> if it is one and unambiguous.</summary>
    [HotPath]
    public ConditionFault Read(ReadOnlyMemory<byte> json)
    {
        _json = json;
        _count = 0;
        if (!Utf8.IsValid(json.Span)) return ConditionFault.ArgumentsAmbiguous;
        try
        {
            return ReadRows(json.Span);
        }
        catch (JsonException)
        {
            return ConditionFault.ArgumentsBroken;
        }
        catch (InvalidOperationException)
        {
            // What Utf8JsonReader throws for an escape that is half of a surrogate pair.
            return ConditionFault.ArgumentsAmbiguous;
        }
    }

    public override ConditionValue Count(int place) => ConditionValue.Of((long)_rows[place].Children);

    [HotPath]
    public override ConditionValue Next(int place, ref int cursor)
    {
        int row = cursor == 0 ? place + 1 : cursor;
        if (row >= _rows[place].End) return default;
        bool isMap = _rows[place].Token == JsonTokenType.StartObject;
        cursor = isMap ? _rows[row + 1].End : _rows[row].End;
        return ValueOf(row);
    }

    /// <summary>As <see cref="Next"/> of a map, with the key's value.</summary>
    [HotPath]
    public ConditionValue NextMember(int place, ref int cursor, out ConditionValue value)
    {
        int row = cursor == 0 ? place + 1 : cursor;
        ConditionValue name = Next(place, ref cursor);
        value = name.Kind == ValueKind.None ? default : ValueOf(row + 1);
        return name;
    }

    [HotPath]
    public override ConditionValue Find(int place, in ConditionValue key, Evaluation evaluation)
    {
        if (key.Kind != ValueKind.String) return default;
        int end = _rows[place].End;
        for (int row = place + 1; row < end; row = _rows[row + 1].End)
        {
            if (!evaluation.TrySteps(1)) return Evaluation.TooCostly;
            if (TextOf(row).Span.SequenceEqual(key.Text)) return ValueOf(row + 1);
        }

        return default;
    }

    [HotPath]
    public override ConditionValue At(int place, long index, Evaluation evaluation)
    {
        if ((ulong)index >= (ulong)_rows[place].Children) return ConditionValue.Failed(ConditionFault.OutOfList);
        int row = place + 1;
        for (long passed = 0; passed < index; passed++) row = _rows[row].End;
        return evaluation.TrySteps((int)index) ? ValueOf(row) : Evaluation.TooCostly;
    }

    [HotPath]
    private ConditionValue ValueOf(int row) => _rows[row].Token switch
    {
        JsonTokenType.StartObject => ConditionValue.OfMap(this, row),
        JsonTokenType.StartArray => ConditionValue.OfList(this, row),
        JsonTokenType.String or JsonTokenType.PropertyName => ConditionValue.OfText(TextOf(row)),
        JsonTokenType.Number => JsonNumbers.Read(_json.Span.Slice(_rows[row].Start, _rows[row].Length)),
        JsonTokenType.True => ConditionValue.Of(true),
        JsonTokenType.False => ConditionValue.Of(false),
        _ => ConditionValue.Null,
    };

    [HotPath]
    private ReadOnlyMemory<byte> TextOf(int row)
    {
        ref readonly Row at = ref _rows[row];
        return at.IsDecoded ? _decoded.AsMemory(at.Start, at.Length) : _json.Slice(at.Start, at.Length);
    }

    [HotPath]
    private ConditionFault ReadRows(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json, Options);
        int depth = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                int start = _open[--depth];
                _rows[start].End = _count;
                bool isMap = reader.TokenType == JsonTokenType.EndObject;
                if (isMap && HasNameTwice(start)) return ConditionFault.ArgumentsAmbiguous;
                continue;
            }

            if (_count == ConditionLimits.ArgumentValuesMax) return ConditionFault.TooManyArguments;
            if (_count == _rows.Length) Array.Resize(ref _rows, Math.Max(64, _count * 2));

            // A map's entries are counted by their values.
            bool isName = reader.TokenType == JsonTokenType.PropertyName;
            if (depth > 0 && !isName) _rows[_open[depth - 1]].Children++;
            _rows[_count] = RowOf(ref reader);
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) _open[depth++] = _count;
            _count++;
        }

        return ConditionFault.Unstated;
    }

    [HotPath]
    private Row RowOf(ref Utf8JsonReader reader)
    {
        Row row = new() { Token = reader.TokenType, End = _count + 1, Length = reader.ValueSpan.Length };
        bool isText = row.Token is JsonTokenType.String or JsonTokenType.PropertyName;
        row.Start = (int)reader.TokenStartIndex + (isText ? 1 : 0);
        if (!isText || !reader.ValueIsEscaped) return row;
        if (_decoded.Length == 0) _decoded = ArrayPool<byte>.Shared.Rent(_json.Length);
        row.IsDecoded = true;
        row.Start = _decodedUsed;
        row.Length = reader.CopyString(_decoded.AsSpan(_decodedUsed));
        _decodedUsed += row.Length;
        return row;
    }

    /// <summary>Few names are compared each with each, many sorted first: nobody can choose names that make it slow.
    /// </summary>
    [HotPath]
    private bool HasNameTwice(int place)
    {
        int count = _rows[place].Children;
        if (_names.Length < count) _names = new int[Math.Max(PairwiseMax, Math.Min(count * 2, _rows.Length))];
        Span<int> names = _names.AsSpan(0, count);
        int row = place + 1;
        for (int index = 0; index < count; index++)
        {
            names[index] = row;
            row = _rows[row + 1].End;
        }

        if (count > PairwiseMax) names.Sort(new NameOrder(this));
        for (int index = 1; index < count; index++)
        {
            ReadOnlySpan<byte> name = TextOf(names[index]).Span;
            int first = count > PairwiseMax ? index - 1 : 0;
            for (int other = first; other < index; other++)
            {
                if (TextOf(names[other]).Span.SequenceEqual(name)) return true;
            }
        }

        return false;
    }

    /// <summary>One value or name.</summary>
    private struct Row
    {
        public int Start;
        public int Length;

        /// <summary>The row after this value and all within it.</summary>
        public int End;
        public int Children;
        public JsonTokenType Token;
        public bool IsDecoded;
    }

    private readonly struct NameOrder(JsonArguments arguments) : IComparer<int>
    {
        public int Compare(int left, int right) =>
            arguments.TextOf(left).Span.SequenceCompareTo(arguments.TextOf(right).Span);
    }
}
