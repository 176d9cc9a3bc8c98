using System.Buffers;

using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <summary>
/// Masks a body of JSON texts as it streams by: bytes in, bytes out, in any chunking with the same output. What is
/// outside a masked value leaves as it came, byte for byte; of a masked value no byte leaves but those its action
/// keeps. It holds no more than one value that may yet prove sensitive, allocates nothing once warm, and serves one
/// body at a time: <see cref="Reset"/>, then any number of <see cref="Write"/>, then <see cref="Finish"/>.
/// </summary>
public sealed partial class JsonMasker
{
    private const int None = -1;

    private static readonly MaskProgram Nothing = MaskProgram.Compile([]);

    private readonly KeyText _key = new();
    private readonly TailText _tail = new();
    private readonly HeldBytes _held = new();   // what came in earlier chunks and has not left yet
    private readonly PathTracker _paths;
    private readonly MaskEdits? _edits;         // in place of output, for a text inside a string
    private readonly int _level;
    private MaskProgram _program;
    private JsonScanner _scanner;
    private Hit _hit = Hit.None;                // of the member or element that is next or under way
    private bool _isMasking;
    private bool _isFinished;
    private bool _hasNames;
    private bool _isUnderTellingName;
    private bool _peeks;                        // the watched string's first byte is not known yet
    private int _maskDepth;
    private int _copyFrom;                      // where in the input the bytes begin that have not left yet

    // Places that must not leave yet, counted from the first held byte and on into the input; or None.
    private int _valueAt = None;                // the value under way, which is judged when it is whole
    private int _memberAt = None;               // the member that may be dropped, with the comma before it

    /// <summary>Makes a masker, which refuses everything until <see cref="Reset"/>.</summary>
    public JsonMasker()
        : this(0)
    {
    }

    internal JsonMasker(BlockWidth width)
        : this(0) => _width = width;

    private JsonMasker(int level)
    {
        _level = level;
        _edits = level > 0 ? new MaskEdits() : null;
        _program = Nothing;
        _paths = new PathTracker(_program);
    }

    /// <summary>Values that were masked in this body; a container counts once, and so does each thing found in a
    /// string.</summary>
    public int MaskedCount { get; private set; }

    /// <summary>Why the body was refused; <see cref="MaskRefusal.None"/> when it was not.</summary>
    public MaskRefusal Refusal => _scanner.Refusal;

    /// <summary>The same as constant text, none of it the body's. Empty when it was not refused.</summary>
    public string RefusedBecause => Refusals.TextOf(_scanner.Refusal);

    /// <summary>Bytes of input that were taken; once refused, the offset of the first bad byte.</summary>
    public long Consumed { get; private set; }

    /// <summary>Begins a body under <paramref name="program"/>, whatever became of the last one.</summary>
    public void Reset(MaskProgram program) => Reset(program, null);

    /// <summary>Begins a body of which <paramref name="listener"/>, if any, hears what is masked and why. Listening
    /// costs time and memory for every value; without a listener it costs nothing.</summary>
    public void Reset(MaskProgram program, IMaskListener? listener)
    {
        ArgumentNullException.ThrowIfNull(program);
        _program = program;
        _paths.Reset(program);
        _key.Clear();
        _tail.Clear();
        _held.Clear();
        ForgetText();
        _edits?.Clear();
        _scanner.Reset();
        _scanner.DecodesKeys = !program.IsEmpty;
        _scanner.ReportsMembers = program.Drops;
        _scanner.Width = _width;
        _hit = Hit.None;
        _isMasking = false;
        _isFinished = false;
        _hasNames = false;
        _isUnderTellingName = false;
        _peeks = false;
        _blocksNext = BlockWindow.BlocksMax;
        _valueAt = None;
        _memberAt = None;
        _runsBlocks = listener is null && !program.Drops && program.Root == Hit.None
            && program.Options.ValueBytesMax >= BlockWindow.BlocksMax * BlockWindow.BlockBytes;
        _actsOnBlocks = !program.IsEmpty;
        _watches = program.NestedDepth > 0 || program.Detectors != DetectorSet.None;
        _listener = listener;
        _location = listener is null ? null : new MaskLocation();
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
        if (_scanner.Place == JsonPlace.Refused) return RefuseFromHere();
        int position = 0;
        _copyFrom = 0;
        _blocksFrom = 0;
        _judgedTo = 0;
        if (_peeks && !input.IsEmpty) Peek(input[0]);
        RunBlocks(input, ref position, output);
        JsonEvent met = _isFinished ? _scanner.Refuse(MaskRefusal.AfterEnd) : _scanner.Next(input, ref position);
        while (met > JsonEvent.NeedMore)
        {
            if (!Take(met, input, ref position, output)) break;
            met = _scanner.Next(input, ref position);
        }

        Settle(input, ref position, output);
        Consumed += position;
        return _scanner.Place != JsonPlace.Refused ? MaskStatus.NeedMore : RefuseFromHere();
    }

    /// <summary>
    /// The body has ended. Writes what waited for that, and returns <see cref="MaskStatus.Done"/>, also for a body
    /// that is empty or white space alone, or <see cref="MaskStatus.Refused"/>.
    /// </summary>
    [HotPath]
    public MaskStatus Finish(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        _copyFrom = 0;
        JsonEvent met = _isFinished ? _scanner.Refuse(MaskRefusal.AfterEnd) : _scanner.Finish();
        if (met == JsonEvent.ValueEnds)
        {
            EndValue([], 0, output);
            met = _scanner.Finish();
        }

        _isFinished = true;
        _held.Clear();
        ForgetText();
        return met == JsonEvent.NeedMore ? MaskStatus.Done : RefuseFromHere();
    }

    /// <summary>True between the first and the last byte of a masked value, and of what is held until it is
    /// judged.</summary>
    internal bool IsHolding => _isMasking || _memberAt != None || _valueAt != None;

    /// <summary>Bytes between two lines of the body, which are not the body's own: they leave in their place, unless
    /// what surrounds them is masked.</summary>
    internal void Frame(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        if (_isMasking) return;
        if (_memberAt != None || _valueAt != None) _held.Add(bytes);
        else output.Write(bytes);
    }

    private MaskStatus RefuseFromHere()
    {
        _scanner.Refuse(MaskRefusal.NotReset);   // keeps the reason it has; this one is a masker's never reset
        _tail.Clear();
        _held.Clear();
        ForgetText();
        return MaskStatus.Refused;
    }

    /// <summary>Acts on an event; false if that refuses the body.</summary>
    private bool Take(JsonEvent met, ReadOnlySpan<byte> input, ref int position, IBufferWriter<byte> output)
    {
        switch (met)
        {
            case JsonEvent.Key:
                _hasNames = true;
                if (_scanner.DecodesKeys && !MatchKey(input)) return false;
                RunBlocks(input, ref position, output);
                return true;
            case JsonEvent.ValueOpens:
                if (!_isMasking && !_program.IsEmpty && !OpenValue(input, ref position, output)) return false;
                if (_scanner.Kind <= JsonKind.Array) RunBlocks(input, ref position, output);
                return true;
            case JsonEvent.ValueEnds:
                if (IsTooLong(position, out int end)) return Refuse(ref position, end);
                EndValue(input, position, output);
                RunBlocks(input, ref position, output);
                return true;
            case JsonEvent.MemberBegins:
                MarkMember(position - 1, _scanner.Depth);
                return true;
            case JsonEvent.Comma:
                MarkComma(input, position - 1, output);
                return true;
            default:
                TakeText(input, met);
                return true;
        }
    }

    private bool MatchKey(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> name = input[_scanner.TextStart.._scanner.TextEnd];
        bool isComparable = name.Length <= MaskLimits.KeyBytesMax;
        if (_key.HasBegun)
        {
            _key.AddPlain(name);
            _key.End();
            name = _key.Bytes;
            isComparable = _key.IsComparable;
        }

        if (!isComparable && _program.Names.FoldsSeparators)
        {
            _scanner.Refuse(MaskRefusal.KeyTooLong);
            return false;
        }

        _hit = _paths.Member(name, isComparable);
        _location?.Member(name);
        if ((_program.Detectors & Detectors.DetectorSet.HighEntropy) != 0)
            _isUnderTellingName = TellingNames.IsTelling(name);
        _key.Clear();
        return true;
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
}
