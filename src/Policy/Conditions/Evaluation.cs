namespace Countersign.Policy.Conditions;

/// <summary>
/// One call's evaluation: its facts, the steps it has left and the memory it may use. One per thread is kept and used
/// again, so that conditions over scalars allocate nothing; what it held of the call is wiped.
/// </summary>
internal sealed class Evaluation
{
    private const int ScratchBytesKept = 16_384;
    private static readonly byte[] NoArguments = "{}"u8.ToArray();

    [ThreadStatic]
    private static Evaluation? _kept;

    private readonly ConditionValue[] _locals = new ConditionValue[ConditionLimits.LoopsNestedMax];
    private readonly JsonArguments _arguments = new();
    private readonly FieldMap _query;
    private readonly FieldMap _headers;
    private CallFacts _facts;
    private byte[] _scratch = [];
    private int _scratchUsed;
    private int _scratchLeft;
    private int _stepsLeft;
    private int _itemsLeft;
    private ConditionValue _root;

    public Evaluation()
    {
        _query = new FieldMap(this);
        _headers = new FieldMap(this);
        Refill();
    }

    public static ConditionValue TooCostly => ConditionValue.Failed(ConditionFault.TooCostly);

    public ref readonly CallFacts Facts => ref _facts;

    /// <summary>Steps taken so far.</summary>
    public int StepsTaken => ConditionLimits.StepsMax - _stepsLeft;

    /// <summary>The thread's own, ready for the call. Given back by <see cref="Return"/>.</summary>
    [HotPath]
    public static Evaluation Rent(in CallFacts facts)
    {
        Evaluation evaluation = _kept ?? new Evaluation();
        _kept = null;
        evaluation._facts = facts;
        return evaluation;
    }

    /// <summary>Wipes what is the call's and keeps the rest for the thread's next.</summary>
    [HotPath]
    public void Return()
    {
        _facts = default;
        _root = default;
        _scratch.AsSpan(0, _scratchUsed).Clear();
        if (_scratch.Length > ScratchBytesKept) _scratch = [];
        _locals.AsSpan().Clear();
        _arguments.Clear();
        _query.Clear();
        _headers.Clear();
        Refill();
        _kept = this;
    }

    /// <summary>Takes steps; false, from then on always, when there are not as many left.</summary>
    [HotPath]
    public bool TrySteps(int steps)
    {
        _stepsLeft = steps <= _stepsLeft ? _stepsLeft - steps : -1;
        return _stepsLeft >= 0;
    }

    /// <summary>Room for text that a condition makes. False when the call has used up its share.</summary>
    [HotPath]
    public bool TryTake(int bytes, out Memory<byte> room)
    {
        room = default;
        if (bytes > _scratchLeft || !TrySteps(bytes / ConditionLimits.BytesPerStep)) return false;
        _scratchLeft -= bytes;
        if (_scratch.Length - _scratchUsed < bytes)
        {
            // What lies in the old array stays where it is: values point into it.
            _scratch = new byte[Math.Max(bytes, Math.Max(1_024, Math.Min(_scratch.Length * 2, ScratchBytesKept)))];
            _scratchUsed = 0;
        }

        room = _scratch.AsMemory(_scratchUsed, bytes);
        _scratchUsed += bytes;
        return true;
    }

    /// <summary>Room for items of lists and maps that a condition makes.</summary>
    public bool TryMake(int items)
    {
        _itemsLeft = items <= _itemsLeft ? _itemsLeft - items : -1;
        return _itemsLeft >= 0 && TrySteps(items);
    }

    [HotPath]
    public ConditionValue Local(int slot) => _locals[slot];

    [HotPath]
    public void SetLocal(int slot, in ConditionValue value) => _locals[slot] = value;

    /// <summary>The call's arguments, read when first asked for.</summary>
    [HotPath]
    public ConditionValue Arguments()
    {
        if (_root.Kind == ValueKind.None) _root = ReadArguments();
        return _root;
    }

    public ConditionValue Query()
    {
        if (!_query.IsRead) _query.ReadQuery(_facts.Query);
        return ConditionValue.OfMap(_query);
    }

    public ConditionValue Headers()
    {
        if (!_headers.IsRead) _headers.ReadHeaders(_facts.Headers);
        return ConditionValue.OfMap(_headers);
    }

    public ConditionValue Now()
    {
        long ticks = _facts.Now.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        (long seconds, long rest) = Math.DivRem(ticks, TimeSpan.TicksPerSecond);
        if (rest < 0)
        {
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }

        return ConditionValue.OfTimestamp(seconds, (int)rest * 100);
    }

    /// <summary>Two strings, two runs of bytes or two lists, one after the other.</summary>
    public ConditionValue Join(in ConditionValue left, in ConditionValue right)
    {
        if (left.Kind == ValueKind.List) return JoinLists(left, right);
        if (!TryTake(left.Text.Length + right.Text.Length, out Memory<byte> joined)) return TooCostly;
        left.Text.CopyTo(joined.Span);
        right.Text.CopyTo(joined.Span[left.Text.Length..]);
        return left.Kind == ValueKind.String ? ConditionValue.OfText(joined) : ConditionValue.OfBytes(joined);
    }

    private ConditionValue JoinLists(in ConditionValue left, in ConditionValue right)
    {
        ConditionValue first = left.Container.Count(left.Place);
        ConditionValue second = right.Container.Count(right.Place);
        if (first.IsError) return first;
        if (second.IsError) return second;
        int count = (int)Math.Min(int.MaxValue, first.Int + second.Int);
        if (!TryMake(count)) return TooCostly;
        ConditionValue[] items = new ConditionValue[count];
        int filled = 0;
        foreach (ConditionValue list in (ReadOnlySpan<ConditionValue>)[left, right])
        {
            int cursor = 0;
            ConditionValue item;
            while ((item = list.Container.Next(list.Place, ref cursor)).Kind != ValueKind.None) items[filled++] = item;
        }

        return ConditionValue.OfList(new MadeList(items));
    }

    private ConditionValue ReadArguments()
    {
        ConditionFault fault = _facts.Form switch
        {
            ArgumentsForm.Json => _arguments.Read(_facts.Arguments),
            ArgumentsForm.Absent => _arguments.Read(NoArguments),
            ArgumentsForm.NotJson => ConditionFault.ArgumentsNotJson,
            _ => ConditionFault.NoArguments,
        };
        return fault == ConditionFault.Unstated ? _arguments.Root : ConditionValue.Failed(fault);
    }

    private void Refill()
    {
        _scratchUsed = 0;
        _scratchLeft = ConditionLimits.ScratchBytesMax;
        _stepsLeft = ConditionLimits.StepsMax;
        _itemsLeft = ConditionLimits.MadeItemsMax;
    }
}
