using System.Buffers;
using System.Text;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>The cells that one call has taken, and what its answer says of their limits. Reused from call to
/// call.</summary>
internal sealed class RateTicket
{
    private readonly List<RateBucket> _buckets = [];
    private long _now;
    private int _taken;

    /// <summary>True if a limit counts the call.</summary>
    internal bool IsCounted => _buckets.Count > 0;

    /// <summary>Where a limit refuses the call: when to come back, in seconds.</summary>
    internal long RetryAfterSeconds { get; private set; }

    /// <summary>Notes a cell that the call has taken.</summary>
    [HotPath]
    internal void Take(RateBucket bucket, long now)
    {
        _now = now;
        _buckets.Add(bucket);
        _taken++;
    }

    /// <summary>Notes the limit that refuses the call, and gives back what others gave.</summary>
    internal void Refuse(RateBucket bucket, long milliseconds, long now)
    {
        GiveBack();
        _now = now;
        _buckets.Add(bucket);
        RetryAfterSeconds = Math.Max(1, (milliseconds + 999) / 1_000);
    }

    /// <summary>Notes that a call asks for too many approvals.</summary>
    internal void RefuseAsk(TimeSpan wait) => RetryAfterSeconds = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));

    /// <summary>Gives back what a call took that never left.</summary>
    internal void GiveBack()
    {
        for (int at = 0; at < _taken; at++) _buckets[at].Return(_now);
        _taken = 0;
    }

    /// <summary>Forgets the call.</summary>
    [HotPath]
    internal void Clear()
    {
        if (_buckets.Count > 0) _buckets.Clear();
        _taken = 0;
        RetryAfterSeconds = 0;
    }

    /// <summary>Writes <c>RateLimit-Policy</c> and <c>RateLimit</c> (draft-ietf-httpapi-ratelimit-headers).</summary>
    [HotPath]
    internal void WriteTo(IBufferWriter<byte> output)
    {
        WireText.Put(output, "RateLimit-Policy: "u8);
        for (int at = 0; at < _buckets.Count; at++)
        {
            if (IsRepeated(at)) continue;
            if (at > 0) WireText.Put(output, ", "u8);
            WireText.PutAscii(output, _buckets[at].Limit.PolicyItem);
        }

        WireText.Put(output, "\r\nRateLimit: "u8);
        for (int at = 0; at < _buckets.Count; at++)
        {
            if (IsRepeated(at)) continue;
            if (at > 0) WireText.Put(output, ", "u8);
            WriteItem(output, _buckets[at]);
        }

        WireText.Put(output, "\r\n"u8);
    }

    // A limit per person has a bucket for each of a chain: the scarcest is told, once.
    private bool IsRepeated(int at)
    {
        for (int before = 0; before < at; before++)
        {
            if (ReferenceEquals(_buckets[before].Limit, _buckets[at].Limit)) return true;
        }

        return false;
    }

    private void WriteItem(IBufferWriter<byte> output, RateBucket bucket)
    {
        long remaining = long.MaxValue;
        foreach (RateBucket one in _buckets)
        {
            if (ReferenceEquals(one.Limit, bucket.Limit)) remaining = Math.Min(remaining, one.Remaining(_now));
        }

        double missing = (bucket.Limit.Burst - remaining) * bucket.Limit.IntervalMicroseconds / 1_000_000;
        WireText.Put(output, "\""u8);
        WireText.PutAscii(output, bucket.Limit.Id);
        WireText.Put(output, "\";r="u8);
        WireText.Put(output, remaining);
        WireText.Put(output, ";t="u8);
        WireText.Put(output, (long)Math.Ceiling(missing));
    }
}
