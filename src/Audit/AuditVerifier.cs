namespace Countersign.Audit;

/// <summary>
/// Proves a log from its files alone: signature, CRC of every frame, every entry against its leaf hash, all hashes
/// against
/// the signed root. Changes nothing, and works beside a live writer.
/// </summary>
public static class AuditVerifier
{
    /// <summary>Verifies the log in <paramref name="folder"/>.</summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="progress">Told the count of entries read, every 4096.</param>
    /// <param name="trustedKey">
    /// The verifier key that the examiner already holds. Without it the one beside the log is believed, and a log that
    /// was
    /// rewritten whole under another key passes. A key that has handed over since will do: its successors are
    /// followed, and what it signed after that is believed by nobody.
    /// </param>
    /// <param name="known">
    /// The note of an older checkpoint of this log, kept elsewhere: the log must still contain it. This is what shows a
    /// log that was rewritten or cut by somebody who holds its key.
    /// </param>
    public static AuditVerification Verify(
        string folder, IProgress<long>? progress = null, string? trustedKey = null,
        ReadOnlyMemory<byte> known = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        try
        {
            AuditVerification? refused = ReadHead(folder, trustedKey, known, out LogHead head);
            return refused ?? new LogExamination(folder, head, progress).Run();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Finding(AuditDamageKind.Unreadable, "", failure.Message);
        }
    }

    /// <summary>
    /// Verifies the entries from <paramref name="from"/> up to, not including, <paramref name="to"/>: as
    /// <see cref="Verify"/> does, but for the hashes of all others, which are taken from the tiles and held to the
    /// signed root together with these.
    /// </summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="from">The first entry.</param>
    /// <param name="to">The entry after the last; above <paramref name="from"/>.</param>
    /// <param name="progress">Told the count of entries read, every 4096.</param>
    /// <param name="trustedKey">As for <see cref="Verify"/>.</param>
    public static AuditVerification VerifyRange(
        string folder, long from, long to, IProgress<long>? progress = null, string? trustedKey = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(to, from);
        try
        {
            AuditVerification? refused = ReadHead(folder, trustedKey, default, out LogHead head);
            if (refused is not null) return refused;
            using RangeExamination examination = new(folder, head, from, to, progress);
            return examination.Run();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Finding(AuditDamageKind.Unreadable, "", failure.Message);
        }
    }

    /// <summary>
    /// The newest checkpoint in a log's folder that <paramref name="witness"/> cosigned; false if the file there is not
    /// signed by the log's key, or not by that witness. Pass its note to <see cref="Verify"/> as what is known.
    /// </summary>
    public static bool TryReadWitnessed(string folder, CosignerKey witness, out AuditCheckpoint? checkpoint)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(witness);
        checkpoint = null;
        try
        {
            string path = Path.Combine(folder, LogFolder.WitnessedFile);
            if (!File.Exists(path) || !AuditKeyChain.TryRead(folder, out AuditKeyChain? keys)) return false;
            byte[] note = File.ReadAllBytes(path);
            return witness.HasSigned(note, out _) && keys!.Parse(note, out checkpoint) == AuditCheckpointStatus.Ok;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The checkpoint in a log's folder, if the key beside it signed it.</summary>
    public static bool TryReadCheckpoint(string folder, out AuditCheckpoint? checkpoint)
    {
        ArgumentNullException.ThrowIfNull(folder);
        checkpoint = null;
        try
        {
            if (ReadHead(folder, null, default, out LogHead head) is not null) return false;
            checkpoint = head.Checkpoint;
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static AuditVerification? ReadHead(
        string folder, string? trustedKey, ReadOnlyMemory<byte> known, out LogHead head)
    {
        head = default;
        string keyPath = Path.Combine(folder, LogFolder.KeyFile);
        if (!File.Exists(keyPath))
        {
            return Finding(AuditDamageKind.Missing, LogFolder.KeyFile, "the log's public key is not there");
        }

        if (!AuditKeyChain.TryRead(folder, out AuditKeyChain? keys))
        {
            return Finding(AuditDamageKind.KeyMismatch, LogFolder.KeyFile,
                "the log's public key is malformed, or a hand-over to it is missing or not signed by both keys");
        }

        if (trustedKey is not null
            && (!AuditKey.TryParse(trustedKey, out AuditKey? trusted) || !keys!.Contains(trusted!)))
        {
            return Finding(AuditDamageKind.KeyMismatch, LogFolder.KeyFile, "the log's key is not the trusted one");
        }

        string path = Path.Combine(folder, LogFolder.CheckpointFile);
        if (!File.Exists(path))
        {
            return Finding(AuditDamageKind.Missing, LogFolder.CheckpointFile, "the signed checkpoint is not there");
        }

        AuditCheckpointStatus status = AuditCheckpoint.Parse(File.ReadAllBytes(path), keys!.Current, out var signed);
        if (status != AuditCheckpointStatus.Ok)
        {
            return Finding(AuditDamageKind.CheckpointSignature, LogFolder.CheckpointFile, $"not believed: {status}");
        }

        List<AuditCheckpoint> older = [.. keys.Handovers.Select(one => one.Head)];
        if (!known.IsEmpty)
        {
            if (keys.IsContradictedBy(known.Span) || keys.Parse(known.Span, out var kept) != AuditCheckpointStatus.Ok)
            {
                return Finding(
                    AuditDamageKind.CheckpointSignature, "", "the known checkpoint is not of this log's keys");
            }

            older.Add(kept!);
        }

        older.Sort((one, other) => one.Size.CompareTo(other.Size));
        head = new LogHead(signed!, older, Math.Min(Retention.FirstHeld(folder, keys.Current), signed!.Size));
        return null;
    }

    private static AuditVerification Finding(AuditDamageKind kind, string file, string message) =>
        new() { Kind = kind, File = file, Message = message };
}

/// <summary>What the entries are held against.</summary>
internal readonly record struct LogHead(
    AuditCheckpoint Checkpoint, IReadOnlyList<AuditCheckpoint> Known, long FirstHeld);
