using System.Buffers;

namespace Countersign.Masking;

/// <summary>
/// Masks a body of JSON texts as it streams by: bytes in, bytes out, in any chunking with the same output. What is
/// outside a masked value leaves as it came, byte for byte; of a masked value no byte leaves. It holds about 4 KiB,
/// whatever the body's size, allocates nothing after it was made, and serves one body at a time: <see cref="Reset"/>,
/// then any number of <see cref="Write"/>, then <see cref="Finish"/>.
/// </summary>
public sealed class JsonMasker
{
    private static readonly MaskProgram Nothing = MaskProgram.Compile([]);

    private readonly KeyText _key = new();
    private readonly TailText _tail = new();
    private readonly PathTracker _paths;
    private MaskProgram _program;
    private JsonScanner _scanner;
    private Hit _hit = Hit.None;   // of the member or element that is next or under way
    private bool _isMasking;
    private bool _isFinished;
    private int _maskDepth;
    private int _copyFrom;         // where in the input the bytes begin that have not left yet

    /// <summary>Makes a masker, which refuses everything until <see cref="Reset"/>.</summary>
    public JsonMasker()
    {
        _program = Nothing;
        _paths = new PathTracker(_program);
    }

    /// <summary>Values that were masked in this body; a container counts once.</summary>
    public int MaskedCount { get; private set; }

    /// <summary>Why the body was refused: constant text, none of it the body's. Empty when it was not.</summary>
    public string RefusedBecause => _scanner.RefusedBecause ?? "";

    /// <summary>Bytes of input that were taken; once refused, the offset of the first bad byte.</summary>
    public long Consumed { get; private set; }

    /// <summary>Begins a body under <paramref name="program"/>, whatever became of the last one.</summary>
    public void Reset(MaskProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        _program = program;
        _paths.Reset(program);
        _key.Clear();
        _tail.Clear();
        _scanner.Reset();
        _scanner.DecodesKeys = !program.IsEmpty;
        _hit = Hit.None;
        _isMasking = false;
        _isFinished = false;
        MaskedCount = 0;
        Consumed = 0;
    }

    /// <summary>
    /// Takes the next bytes of the body, all of them unless it refuses, and writes to <paramref name="output"/> what
    /// may leave by now. Returns <see cref="MaskStatus.NeedMore"/> or <see cref="MaskStatus.Refused"/>; what was
    /// written before a refusal ends before the first bad byte and holds nothing masked.
    /// </summary>
    [HotPath]
    public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        int position = 0;
        _copyFrom = 0;
        JsonEvent met = _isFinished ? _scanner.Refuse(Refusals.AfterEnd) : _scanner.Next(input, ref position);
        while (met > JsonEvent.NeedMore)
        {
            switch (met)
            {
                case JsonEvent.Key:
                    if (_scanner.DecodesKeys) MatchKey(input);
                    break;
                case JsonEvent.ValueOpens:
                    if (!_isMasking && !_program.IsEmpty) OpenValue(input, position - 1, output);
                    break;
                case JsonEvent.ValueEnds:
                    if (_isMasking) EndMasked(input, position, output);
                    else if (_scanner.Kind <= JsonKind.Array && !_program.IsEmpty) _paths.Close();
                    break;
                default:
                    TakeText(input, met);
                    break;
            }

            met = _scanner.Next(input, ref position);
        }

        if (!_isMasking) Copy(input[_copyFrom..position], output);
        Consumed += position;
        return met == JsonEvent.NeedMore ? MaskStatus.NeedMore : RefuseFromHere();
    }

    /// <summary>
    /// The body has ended. Writes what waited for that, and returns <see cref="MaskStatus.Done"/>, also for a body
    /// that is empty or white space alone, or <see cref="MaskStatus.Refused"/>.
    /// </summary>
    [HotPath]
    public MaskStatus Finish(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        JsonEvent met = _isFinished ? _scanner.Refuse(Refusals.AfterEnd) : _scanner.Finish();
        if (met == JsonEvent.ValueEnds)
        {
            if (_isMasking) EndMasked([], 0, output);
            met = _scanner.Finish();
        }

        _isFinished = true;
        return met == JsonEvent.NeedMore ? MaskStatus.Done : RefuseFromHere();
    }

    private MaskStatus RefuseFromHere()
    {
        _scanner.Refuse(Refusals.NotReset);   // keeps the reason it has; this one is a masker's that was never reset
        _tail.Clear();
        return MaskStatus.Refused;
    }

    private void MatchKey(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> text = input[_scanner.TextStart.._scanner.TextEnd];
        if (!_key.HasBegun)
        {
            _hit = _paths.Member(text, text.Length <= MaskLimits.KeyBytesMax);
            return;
        }

        _key.AddPlain(text);
        _key.End();
        _hit = _paths.Member(_key.Bytes, _key.IsComparable);
        _key.Clear();
    }

    private void OpenValue(ReadOnlySpan<byte> input, int start, IBufferWriter<byte> output)
    {
        JsonKind kind = _scanner.Kind;
        if (_scanner.Role == JsonRole.Element) _hit = _paths.Element();
        else if (_scanner.Role == JsonRole.Root) _hit = _paths.Root();
        if (_hit == Hit.None)
        {
            if (kind <= JsonKind.Array) _paths.Open();
            return;
        }

        Copy(input[_copyFrom..start], output);
        _isMasking = true;
        _maskDepth = kind <= JsonKind.Array ? _scanner.Depth - 1 : _scanner.Depth;
        _scanner.DecodesKeys = false;
        _scanner.DecodesValue = _hit == Hit.KeepLast4 && kind is JsonKind.String or JsonKind.Number;
        if (_scanner.DecodesValue && kind == JsonKind.Number) _tail.AddNumber(input.Slice(start, 1));
    }

    private void EndMasked(ReadOnlySpan<byte> input, int position, IBufferWriter<byte> output)
    {
        if (_scanner.Depth != _maskDepth) return;
        if (_scanner.DecodesValue) TakeText(input, JsonEvent.Text);
        if (_scanner.Kind == JsonKind.Null) Copy("null"u8, output);
        else WriteMask(output);

        if (_scanner.Kind != JsonKind.Null) MaskedCount++;
        _isMasking = false;
        _scanner.DecodesKeys = true;
        _scanner.DecodesValue = false;
        _copyFrom = position;
    }

    private void WriteMask(IBufferWriter<byte> output)
    {
        int written = 0;
        if (_scanner.DecodesValue)
        {
            written = _tail.Write(output.GetSpan(TailText.BytesMax));
            _tail.Clear();
        }

        if (written > 0) output.Advance(written);
        else Copy("\"***\""u8, output);
    }

    private void TakeText(ReadOnlySpan<byte> input, JsonEvent met)
    {
        bool isKey = _scanner.IsInKey;
        if (met == JsonEvent.Unit)
        {
            if (isKey) _key.AddUnit(_scanner.Unit);
            else _tail.AddUnit(_scanner.Unit);
            return;
        }

        ReadOnlySpan<byte> text = input[_scanner.TextStart.._scanner.TextEnd];
        if (isKey) _key.AddPlain(text);
        else if (_scanner.Kind == JsonKind.Number) _tail.AddNumber(text);
        else _tail.AddPlain(text);
    }

    private static void Copy(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        if (!bytes.IsEmpty) output.Write(bytes);
    }
}
