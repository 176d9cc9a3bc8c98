using Countersign.Audit;
using Countersign.Policy;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>Reads this gateway's log for auditors, and writes into it that they did.</summary>
internal sealed class AuditDesk(AuditLog log, IReadOnlyList<string> auditors, ActLog acts, Func<ChainOfTrust> chain)
{
    private static readonly TimeSpan SignedWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(25);

    // Of the process: searches of several listeners read the same disk.
    private static readonly SemaphoreSlim Searches = new(ControlPlaneLimits.CallSearchesMax);

    /// <summary>The newest signed head.</summary>
    public AuditCheckpoint? Head => log.LastCheckpoint;

    /// <summary>The log's public key.</summary>
    public AuditKey Key => log.Key;

    /// <summary>Every key that the log had.</summary>
    public AuditKeyChain Keys => log.Keys;

    /// <summary>Entries by now.</summary>
    public long Size => log.Size;

    /// <summary>The log's folder.</summary>
    public string Folder => log.Folder;

    /// <summary>How the log stands with its witnesses.</summary>
    public ChainOfTrust Chain => chain();

    /// <summary>True for members of the auditors' groups.</summary>
    public bool MayRead(Caller caller) => auditors.Any(caller.IsIn);

    /// <summary>Writes, on disk before anything is shown, what somebody reads; false: they must not.</summary>
    public ValueTask<bool> NoteReadAsync(Caller reader, string subject, string detail) =>
        acts.TryNoteAsync(reader, "audit-read", subject, detail);

    /// <summary>Writes what somebody asked to read who may not; a log that takes nothing changes no refusal.</summary>
    public async ValueTask NoteRefusalAsync(Caller reader, string subject, string detail) =>
        await acts.TryNoteAsync(reader, "audit-read-refused", Bounded(subject), Bounded(detail));

    // Of somebody who is no auditor: as much of it as tells what they were after.
    private static string Bounded(string text) =>
        text.Length <= ControlPlaneLimits.RefusedReadCharactersMax
            ? text
            : text[..ControlPlaneLimits.RefusedReadCharactersMax] + "…";

    /// <summary>The newest records that are asked for.</summary>
    public async ValueTask<RecordPage> FindAsync(
        AuditQuery query, long before, int limit, CancellationToken cancellation)
    {
        await Searches.WaitAsync(cancellation);
        try
        {
            return CallSearch.Newest(log.Folder, Math.Min(before, log.Size), limit, query);
        }
        finally
        {
            Searches.Release();
        }
    }

    /// <summary>
    /// Writes all records that are asked for and were in the log when it was; false where it is damaged: what was
    /// written then is not all.
    /// </summary>
    public async Task<bool> ExportAsync(
        AuditQuery query, bool isCef, Stream output, CancellationToken cancellation)
    {
        using AuditExport export = new(log.Folder, log.Size, query, isCef);
        while (export.HasMore)
        {
            ReadOnlyMemory<byte> piece;
            await Searches.WaitAsync(cancellation);
            try
            {
                piece = export.Read();
            }
            finally
            {
                Searches.Release();
            }

            await output.WriteAsync(piece, cancellation);
        }

        return !export.IsDamaged;
    }

    /// <summary>What the log tells of a call; null where it holds none of its records.</summary>
    public async ValueTask<CallStory?> StoryOfAsync(Guid call, CancellationToken cancellation)
    {
        await Searches.WaitAsync(cancellation);
        try
        {
            return CallStory.Find(log.Folder, call);
        }
        finally
        {
            Searches.Release();
        }
    }

    /// <summary>
    /// A proof under the newest head, which is waited for where it does not cover the record yet; null without.
    /// </summary>
    public async ValueTask<TlogProof?> ProveAsync(AuditEntry record, CancellationToken cancellation)
    {
        // Heads are signed by the time of the machine, whatever clock the listener goes by.
        long startedAt = TimeProvider.System.GetTimestamp();
        while (log.LastCheckpoint is not { } head || head.Size <= record.Index)
        {
            if (TimeProvider.System.GetElapsedTime(startedAt) >= SignedWithin || !log.IsHealthy) return null;
            await Task.Delay(LookEvery, cancellation);
        }

        return TlogProof.Of(log.Folder, record, log.LastCheckpoint);
    }
}
