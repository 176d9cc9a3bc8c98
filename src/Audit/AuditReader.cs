using System.Runtime.CompilerServices;

namespace Countersign.Audit;

/// <summary>One entry, with the place of its frame.</summary>
/// <param name="Index">Its number in the log, from 0.</param>
/// <param name="File">Its segment, relative to the log's folder.</param>
/// <param name="ByteOffset">Where its frame begins there.</param>
/// <param name="Payload">The record: UTF-8 JSON. A copy; the caller's to keep.</param>
public readonly record struct AuditEntry(long Index, string File, long ByteOffset, ReadOnlyMemory<byte> Payload);

/// <summary>What a reader met. Zero is nothing readable.</summary>
public enum AuditReadStatus : byte
{
    /// <summary>The next entry cannot be read; see <see cref="AuditReader.Damage"/>.</summary>
    Damaged = 0,

    /// <summary>An entry.</summary>
    Entry,

    /// <summary>No more for now.</summary>
    End,
}

/// <summary>
/// Reads entries in order, safe beside a live writer. Checks each frame's CRC-32C, no hashes: that is the verifier's
/// part.
/// Not thread-safe.
/// </summary>
public sealed class AuditReader : IDisposable
{
    private readonly string _folder;
    private readonly long _from;
    private LogCursor _cursor;

    /// <summary>A reader whose first entry is <paramref name="from"/>, there already or to come.</summary>
    public AuditReader(string folder, long from = 0)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        _folder = folder;
        _from = from;
        _cursor = new LogCursor(folder, from);
    }

    /// <summary>The entry that comes next.</summary>
    public long Index => Math.Max(_from, _cursor.Index);

    /// <summary>Why nothing more can be read, once that is so.</summary>
    public AuditDamage? Damage { get; private set; }

    /// <summary>The next entry, if there is one.</summary>
    public AuditReadStatus Read(out AuditEntry entry)
    {
        entry = default;
        if (Damage is not null) return AuditReadStatus.Damaged;
        try
        {
            FrameStatus status = _cursor.Next(out ReadOnlySpan<byte> payload);
            if (status == FrameStatus.Missing && LostToRetention()) return Read(out entry);
            if (status is not FrameStatus.Ok and not FrameStatus.End) status = LookAgain(status, out payload);
            if (status == FrameStatus.Ok)
            {
                long offset = _cursor.Offset - AuditLimits.FrameHeadBytes - payload.Length;
                entry = new AuditEntry(_cursor.Index - 1, _cursor.File, offset, payload.ToArray());
                return AuditReadStatus.Entry;
            }

            if (status == FrameStatus.End) return AuditReadStatus.End;
            Damage = FrameDamage.Describe(status, _cursor);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Damage = new AuditDamage(AuditDamageKind.Unreadable, Index, _cursor.File, -1, failure.Message);
        }

        return AuditReadStatus.Damaged;
    }

    /// <summary>The entries from <paramref name="from"/> up to, not including, <paramref name="to"/>; ends early at the
    /// log's end or at damage.</summary>
    public static IEnumerable<AuditEntry> Between(string folder, long from, long to)
    {
        using AuditReader reader = new(folder, from);
        while (reader.Index < to && reader.Read(out AuditEntry entry) == AuditReadStatus.Entry) yield return entry;
    }

    /// <summary>
    /// Entries as they are appended, until cancelled; ends by itself only at damage. Looks again every
    /// <paramref name="pollEvery"/> by <paramref name="clock"/>.
    /// </summary>
    public async IAsyncEnumerable<AuditEntry> FollowAsync(
        TimeProvider clock, TimeSpan pollEvery, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(clock);
        while (!cancellation.IsCancellationRequested)
        {
            AuditReadStatus status = Read(out AuditEntry entry);
            if (status == AuditReadStatus.Damaged) yield break;
            if (status == AuditReadStatus.Entry) yield return entry;
            else await Task.Delay(pollEvery, clock, cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _cursor.Dispose();

    // What was to be read next may have been dropped meanwhile: then reading goes on where the log begins now.
    private bool LostToRetention()
    {
        long first = Retention.FirstHeld(_folder);
        if (Index >= first) return false;
        _cursor.Dispose();
        _cursor = new LogCursor(_folder, first);
        return true;
    }

    // A frame being written right now looks torn. It is damage once its hash is in the tiles, or a later segment
    // exists.
    private FrameStatus LookAgain(FrameStatus status, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        bool mustBeWhole = status == FrameStatus.Missing || _cursor.HasLaterSegment()
            || _cursor.Index < TileReader.LeafCount(_folder, _cursor.Index);
        return mustBeWhole ? _cursor.Next(out payload) : FrameStatus.End;
    }
}
