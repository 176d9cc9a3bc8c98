using System.Runtime.CompilerServices;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Counts calls against the policy's limits. Cells are taken from the store a few at a time and ahead, so that most
/// calls ask nobody; what is taken is gone from the bucket that the fleet shares, so no two nodes spend one cell.
/// </summary>
internal sealed class RateDesk(IRateStore store, int bucketsMax, Func<int> liveNodes, TimeProvider clock)
{
    // A store that did not answer is not asked by every call: each would wait as long.
    private const long AwayMilliseconds = 1_000;

    // A call of low or medium risk goes on without the store, so it does not wait for one that stands still as long as
    // one that must have its answer. An answer takes well below a millisecond in one place, and tens across regions.
    private static readonly TimeSpan LenientWait = TimeSpan.FromMilliseconds(250);

    private readonly RateTable _table = new(bucketsMax);

    // Since this began: a lease keeps its end and its cells in one number, which has no room for a clock's own origin.
    private readonly long _origin = clock.GetTimestamp();
    private long _awayUntil;
    private long _slowUntil;

    /// <summary>The buckets that are held.</summary>
    internal int Buckets => _table.Count;

    private long Now => (long)clock.GetElapsedTime(_origin).TotalMilliseconds;

    /// <summary>Takes a cell of every limit that counts the call, or none.</summary>
    [HotPath]
    internal ValueTask<Verdict> AdmitAsync(CallContext call) =>
        call.Policy!.LimitsOf(call.Function!).IsEmpty ? new(Verdict.Proceed) : TakeAllAsync(call);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Verdict> TakeAllAsync(CallContext call)
    {
        int limits = call.Policy!.LimitsOf(call.Function!).Length;
        for (int number = 0; number < limits; number++)
        {
            RateLimit limit = call.Policy.LimitsOf(call.Function!)[number];
            int people = limit.Per == RateScope.Chain ? Math.Max(1, call.Caller!.Chain.Count) : 1;
            for (int person = 0; person < people; person++)
            {
                long now = Now;
                RateBucket bucket = _table.Get(KeyOf(call, limit, person), now);
                Verdict taken = bucket.TryTake(now) ? Spend(call, bucket, now) : await TakeAsync(call, bucket, now);
                if (taken != Verdict.Proceed) return taken;
            }
        }

        return Verdict.Proceed;
    }

    // A caller who acts for nobody is counted by what it is.
    private static RateKey KeyOf(CallContext call, RateLimit limit, int person)
    {
        Caller caller = call.Caller!;
        return limit.Per switch
        {
            RateScope.Function => new RateKey(limit, "", call.Function!.Id),
            RateScope.Chain when caller.Chain.Count > 0 => new RateKey(limit, "", caller.Chain[person]),
            _ => new RateKey(limit, caller.Issuer, caller.Subject),
        };
    }

    [HotPath]
    private Verdict Spend(CallContext call, RateBucket bucket, long now)
    {
        call.Rates.Take(bucket, now);
        if (bucket.RunsLow && bucket.EmptyFor(now) <= 0 && bucket.TryBeginRefill()) _ = RefillAsync(bucket);
        return Verdict.Proceed;
    }

    private async ValueTask<Verdict> TakeAsync(CallContext call, RateBucket bucket, long now)
    {
        long empty = bucket.EmptyFor(now);
        if (empty > 0) return Refuse(call, bucket, empty, now);
        bool isStrict = call.Function!.IsStrict;
        bool isAway = Volatile.Read(ref _awayUntil) > now || (!isStrict && !MayAsk(now));
        if (isAway) return WithoutStore(call, bucket, now);

        // Of many that find nothing at once, one takes for those to come, and each of the others for itself.
        bool takesMore = bucket.TryBeginRefill();
        RateGrant grant;
        try
        {
            ValueTask<RateGrant> asked = store.TakeAsync(
                bucket.Limit, bucket.Name, takesMore ? bucket.Limit.LeaseCells : 1);
            grant = isStrict || asked.IsCompleted ? await asked : await InTimeAsync(asked.AsTask());
        }
        finally
        {
            if (takesMore) bucket.EndRefill();
        }

        now = Now;
        if (!grant.IsAnswered)
        {
            bool isLate = !isStrict && Volatile.Read(ref _slowUntil) > now;
            if (!isLate) Volatile.Write(ref _awayUntil, now + AwayMilliseconds);
            return WithoutStore(call, bucket, now);
        }

        if (grant.Cells == 0)
        {
            bucket.Exhaust(grant.RetryAfter, now);
            return Refuse(call, bucket, (long)Math.Ceiling(grant.RetryAfter.TotalMilliseconds), now);
        }

        bucket.Add(grant, spent: 1, now);
        call.Rates.Take(bucket, now);
        return Verdict.Proceed;
    }

    // After an answer that came too late one call in a while asks again, and the others do not wait with it.
    private bool MayAsk(long now)
    {
        long until = Volatile.Read(ref _slowUntil);
        return until == 0
            || (until <= now
                && Interlocked.CompareExchange(ref _slowUntil, now + AwayMilliseconds, until) == until);
    }

    // Cells that come late are lost, as those of a lease that ended.
    private async Task<RateGrant> InTimeAsync(Task<RateGrant> asked)
    {
        try
        {
            RateGrant grant = await asked.WaitAsync(LenientWait, clock);
            if (grant.IsAnswered) Volatile.Write(ref _slowUntil, 0);
            return grant;
        }
        catch (TimeoutException)
        {
            Volatile.Write(ref _slowUntil, Now + AwayMilliseconds);
            return default;
        }
    }

    // Beside the calls: whoever made the last ones scarce does not wait for more.
    private async Task RefillAsync(RateBucket bucket)
    {
        try
        {
            RateGrant grant = await store.TakeAsync(bucket.Limit, bucket.Name, bucket.Limit.LeaseCells);
            if (grant.Cells > 0) bucket.Add(grant, spent: 0, Now);
            else if (grant.IsAnswered) bucket.Exhaust(grant.RetryAfter, Now);
            else Volatile.Write(ref _awayUntil, Now + AwayMilliseconds);
        }
        finally
        {
            bucket.EndRefill();
        }
    }

    // DESIGN section 11: what can do harm is refused, the rest goes on with this node's share.
    private Verdict WithoutStore(CallContext call, RateBucket bucket, long now)
    {
        if (call.Function!.IsStrict)
        {
            call.Rates.GiveBack();
            call.Detail = "The store that counts calls is not available.";
            return Verdict.StoreUnavailable;
        }

        long wait = bucket.TakeOwn(now, Math.Max(1, liveNodes()));
        if (wait > 0) return Refuse(call, bucket, wait, now);
        call.Rates.Take(bucket, now);
        return Verdict.Proceed;
    }

    private static Verdict Refuse(CallContext call, RateBucket bucket, long milliseconds, long now)
    {
        call.Rates.Refuse(bucket, milliseconds, now);
        call.Detail = "Limit '" + bucket.Limit.Id + "' lets no more calls through for now.";
        return Verdict.RateLimited;
    }
}
