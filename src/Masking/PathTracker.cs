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
    private bool _isIdle;   // no path: nothing to follow

    public PathTracker(MaskProgram program) => _program = program;

    public void Reset(MaskProgram program)
    {
        _program = program;
        _isIdle = !program.HasPaths;
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
        ulong live = _isIdle ? 0 : _live[_depth - 1];
        ulong matched = _program.MatchMember(live, name, comparable, out Hit bare);
        _below = _program.Below(live, matched);
        Hit path = _program.HitOf(matched);
        return bare < path ? bare : path;
    }

    /// <summary>The next value is the member of the innermost container whose name was found to be
    /// <paramref name="name"/>.</summary>
    public Hit Member(NameHit name)
    {
        ulong live = _live[_depth - 1];
        ulong matched = _program.MatchMember(live, name);
        _below = _program.Below(live, matched);
        Hit path = _program.HitOf(matched);
        return name.Bare < path ? name.Bare : path;
    }

    /// <summary>The next value is the next element of the innermost container.</summary>
    public Hit Element()
    {
        if (_isIdle) return Hit.None;
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
        if (_isIdle) return;
        _live[_depth] = _below;
        _index[_depth] = 0;
        _depth++;
    }

    /// <summary>The innermost container closes.</summary>
    public void Close()
    {
        if (!_isIdle) _depth--;
    }

    /// <summary>True outside every container.</summary>
    public bool IsAtRoot => _depth == 0;

    /// <summary>How many of the innermost containers no path leads into.</summary>
    public int DeadDepth
    {
        get
        {
            int dead = 0;
            while (dead < _depth && _live[_depth - 1 - dead] == 0) dead++;
            return dead;
        }
    }

    /// <summary>True if no path leads into the value last named.</summary>
    public bool IsBelowDead => _below == 0;

    /// <summary>The next value is a member that no rule names; false if a wildcard may still select it.</summary>
    public bool TryUnnamed()
    {
        ulong live = _live[_depth - 1];
        if ((live & _program.WildcardSteps) != 0) return false;
        _below = live & _program.DescendantSteps;
        return true;
    }

    /// <summary>The element last counted is counted again.</summary>
    public void BackOneElement() => _index[_depth - 1]--;

    /// <summary>Opens <paramref name="count"/> containers that no path leads into.</summary>
    public void OpenDead(int count)
    {
        _below = 0;
        for (; count > 0; count--) Open();
    }

    /// <summary>Closes as many.</summary>
    public void CloseDead(int count) => _depth -= count;
}
