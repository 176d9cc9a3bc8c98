using Countersign.Audit;

namespace Countersign.Cli.Shipping;

/// <summary>
/// Reads what is shipped from the log's own files, in order, and only what a signed head covers: what a crash may still
/// take back never leaves. Not thread-safe.
/// </summary>
internal sealed class ShipSource(string folder, bool withCopies, Func<long> signed) : IDisposable
{
    private AuditReader? _reader;

    /// <summary>The log; null while nothing of it is signed.</summary>
    internal LogIdentity? Log => field ??= LogIdentity.Read(folder);

    /// <summary>Entries that are signed.</summary>
    internal long Signed => signed();

    /// <summary>Reads the signed size of a log that another process writes.</summary>
    internal static Func<long> SignedIn(string folder) =>
        () => AuditVerifier.TryReadCheckpoint(folder, out AuditCheckpoint? head) ? head!.Size : 0;

    /// <summary>The entries from <paramref name="from"/> on, as many as one write takes; none if there are
    /// none for now.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    internal List<ShippedEntry> Read(long from)
    {
        List<ShippedEntry> entries = [];
        long end = Signed;
        if (_reader is null || _reader.Index != from || _reader.Damage is not null)
        {
            _reader?.Dispose();
            _reader = new AuditReader(folder, from);
        }

        int bytes = 0;
        while (entries.Count < ShipLimits.BatchEntriesMax && bytes < ShipLimits.BatchBytesMax && _reader.Index < end)
        {
            AuditReadStatus status = _reader.Read(out AuditEntry entry);
            if (status == AuditReadStatus.End) break;
            if (status != AuditReadStatus.Entry)
            {
                if (entries.Count > 0) break;
                throw new IOException(_reader.Damage!.Message);
            }

            ReadOnlyMemory<byte> record = withCopies ? entry.Payload : CopyFields.Without(entry.Payload);
            entries.Add(new ShippedEntry(entry.Index, LogIdentity.Leaf(entry.Payload.Span), record));
            bytes += record.Length;
        }

        return entries;
    }

    /// <summary>The hash of an entry that the log still holds; null for one that it does not.</summary>
    internal byte[]? LeafAt(long entry)
    {
        foreach (AuditEntry held in AuditReader.Between(folder, entry, entry + 1))
            if (held.Index == entry) return LogIdentity.Leaf(held.Payload.Span);
        return null;
    }

    public void Dispose() => _reader?.Dispose();
}
