namespace Countersign.DataPlane.Sockets;

/// <summary>Steps of one turn, in order. Used by one thread.</summary>
internal sealed class Steps
{
    private readonly int[] _results = new int[Ring.StepsMax];
    private readonly IStep[] _asked = new IStep[Ring.StepsMax];
    private IStep[] _all = new IStep[Ring.StepsMax];

    /// <summary>How many there are.</summary>
    internal int Count { get; private set; }

    /// <summary>One of them.</summary>
    internal IStep this[int index] => _all[index];

    /// <summary>Adds one at the end.</summary>
    [HotPath]
    internal void Add(IStep step)
    {
        if (Count == _all.Length) Array.Resize(ref _all, Count * 2);
        _all[Count++] = step;
    }

    /// <summary>Forgets them all.</summary>
    [HotPath]
    internal void Clear()
    {
        Array.Clear(_all, 0, Count);
        Count = 0;
    }

    /// <summary>Asks the kernel for what all of them need, by as few calls as that takes.</summary>
    [HotPath]
    internal void Ask(Ring ring)
    {
        try
        {
            for (int index = 0; index < Count; index++)
            {
                if (_all[index].TryAsk(ring)) _asked[ring.Count - 1] = _all[index];
                if (ring.Count == Ring.StepsMax) Submit(ring);
            }
        }
        finally
        {
            // Whatever happens, nothing that was added stays behind for another turn.
            if (ring.Count > 0) Submit(ring);
        }
    }

    private void Submit(Ring ring)
    {
        int count = ring.Count;
        ring.Submit(_results);
        for (int index = 0; index < count; index++) _asked[index].Answer(_results[index]);
        Array.Clear(_asked, 0, count);
    }
}
