namespace Countersign.Masking;

/// <summary>
/// Where a body's values lie relative to the paths: for each open container the steps that are live for its children,
/// and for arrays the index of the next element. Knows neither bytes nor grammar. Nothing is tracked inside a masked
/// value.
/// </summary>
internal sealed class PathTracker
{
    private readonly ulong[] _live = new ulong[MaskLimits.DepthMax];
    private readonly long[] _index = new long[MaskLimits.DepthMax];
    private MaskProgram _program;
    private ulong _below;
    private int _depth;

    public PathTracker(MaskProgram program) => _program = program;

    public void Reset(MaskProgram program)
    {
        _program = program;
        _depth = 0;
        _below = 0;
    }

    /// <summary>A value begins that is a body's whole.</summary>
    public Hit Root()
    {
        _depth = 0;
        _below = _program.FirstSteps;
        return _program.Root;
    }

    /// <summary>The next value is the member <paramref name="name"/> of the innermost container.</summary>
    public Hit Member(ReadOnlySpan<byte> name, bool comparable)
    {
        ulong live = _live[_depth - 1];
        ulong matched = _program.MatchMember(live, name, comparable, out Hit bare);
        _below = _program.Below(live, matched);
        Hit path = _program.HitOf(matched);
        return bare < path ? bare : path;
    }

    /// <summary>The next value is the next element of the innermost container.</summary>
    public Hit Element()
    {
        ulong live = _live[_depth - 1];
        long index = _index[_depth - 1]++;
        if (live == 0)
        {
            _below = 0;
            return Hit.None;
        }

        ulong matched = _program.MatchElement(live, index);
        _below = _program.Below(live, matched);
        return _program.HitOf(matched);
    }

    /// <summary>The value last named is a container, and opens.</summary>
    public void Open()
    {
        _live[_depth] = _below;
        _index[_depth] = 0;
        _depth++;
    }

    /// <summary>The innermost container closes.</summary>
    public void Close() => _depth--;
}
