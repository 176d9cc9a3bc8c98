namespace Countersign.DataPlane.Calls;

/// <summary>
/// The call that a lent credential is good for. Written by the call, read beside it by whoever asks over the store.
/// </summary>
internal sealed class LentCall
{
    // Two halves of an id may be read from two calls; to match a third one, both would have to be that one's.
    private Guid _id;
    private bool _isGood;

    /// <summary>The credential is good from now on.</summary>
    [HotPath]
    internal void Begin(Guid call)
    {
        _id = call;
        Volatile.Write(ref _isGood, true);
    }

    /// <summary>It is good no more, before anything that follows is seen by anybody.</summary>
    [HotPath]
    internal void End() => Volatile.Write(ref _isGood, false);

    /// <summary>True while it is good for that call.</summary>
    internal bool IsFor(Guid call) => Volatile.Read(ref _isGood) && _id == call && Volatile.Read(ref _isGood);
}
