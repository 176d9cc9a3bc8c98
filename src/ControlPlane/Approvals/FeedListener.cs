using System.Threading.Channels;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Approvals;

/// <summary>An approval that was filed, moved or lapsed.</summary>
/// <param name="Approval">As it stands.</param>
/// <param name="Fetch">Asks the store for its sealed body.</param>
internal sealed record FeedItem(Approval Approval, Func<ValueTask<StoreResult<byte[]>>> Fetch)
{
    private readonly Lock _gate = new();
    private Task<StoreResult<byte[]>>? _box;

    /// <summary>True for one that nobody has moved yet.</summary>
    public bool IsNew => Approval.Version == 1 && Approval.State == ApprovalState.Pending;

    /// <summary>Its sealed body, asked for once however many listen.</summary>
    public Task<StoreResult<byte[]>> BoxAsync()
    {
        lock (_gate) return _box ??= Fetch().AsTask();
    }
}

/// <summary>
/// One who listens to the feed. Whoever falls behind loses all of what waits and is told so, rather than hold memory or
/// see a gap.
/// </summary>
internal sealed class FeedListener : IDisposable
{
    private readonly Action<FeedListener> _remove;
    private readonly Channel<FeedItem?> _items = Channel.CreateBounded<FeedItem?>(
        new BoundedChannelOptions(ControlPlaneLimits.ListenerItemsMax) { SingleReader = true });

    private int _missed = 1;

    internal FeedListener(string who, Action<FeedListener> remove)
    {
        Who = who;
        _remove = remove;
        _items.Writer.TryWrite(null);
    }

    /// <summary>Whom it counts against.</summary>
    internal string Who { get; }

    /// <summary>Waits until there is something to take.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellation) =>
        _items.Reader.WaitToReadAsync(cancellation);

    /// <summary>
    /// True once whenever moves may have been missed, at the beginning too: look at everything again, then go on.
    /// </summary>
    public bool TakeMissed()
    {
        if (Interlocked.Exchange(ref _missed, 0) == 0) return false;

        // Whatever waits is older than the look that follows.
        while (_items.Reader.TryRead(out _))
        {
        }

        return true;
    }

    /// <summary>The next move, if there is one.</summary>
    public bool TryTake(out FeedItem item)
    {
        while (_items.Reader.TryRead(out FeedItem? next))
        {
            if (next is null) continue;
            item = next;
            return true;
        }

        item = null!;
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _remove(this);

    internal void Offer(FeedItem item)
    {
        if (!_items.Writer.TryWrite(item)) Miss();
    }

    internal void Miss()
    {
        Volatile.Write(ref _missed, 1);
        _items.Writer.TryWrite(null);
    }
}
