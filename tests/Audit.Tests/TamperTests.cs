using System.Buffers.Binary;

namespace Countersign.Audit.Tests;

/// <summary>
/// What somebody who owns the disk can do to a log, each shown to be found: by the folder alone where no key is needed
/// to hide it, by the key that the examiner knows, or, where the signing key was stolen, by one witness and by nothing
/// less (docs/THREATS.md says so).
/// </summary>
public sealed class TamperTests : IDisposable
{
    private const int Entries = 520;

    private readonly LogFixture _log = new();
    private readonly string _witness = Directory.CreateTempSubdirectory("countersign-tamper-").FullName;

    private AuditLogOptions Options => _log.Options with { SegmentBytesMax = 2_048 };

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_witness, recursive: true);
    }

    [Theory]
    [InlineData("flip", 100)]
    [InlineData("flip with its checksum", 100)]
    [InlineData("flip with its checksum and its tile", 100)]
    [InlineData("delete", 100)]
    [InlineData("insert", 100)]
    [InlineData("reorder", 100)]
    [InlineData("delete the last", Entries - 1)]
    [InlineData("truncate", -1)]
    [InlineData("delete a segment", -1)]
    [InlineData("truncate the checkpoint", -1)]
    public async Task Without_the_key_nothing_is_hidden(string act, int entry)
    {
        // Proves that the folder alone shows each, that what still stands is said where an entry can be named, and that
        // a gateway does not go on with such a log.
        await _log.WriteAsync(Entries, Options);
        Do(act, entry);
        AuditVerification found = _log.Verify();
        Assert.False(found.IsOk, act);
        Assert.NotEqual("", found.Message);
        if (act.StartsWith("flip", StringComparison.Ordinal) && !act.EndsWith("tile", StringComparison.Ordinal))
            Assert.Equal((entry, entry), (found.FirstBadEntry, found.EntriesProven));
        string? how = act switch
        {
            "flip with its checksum" => "this one was changed",
            "delete" => "it was taken out",
            "insert" => "another was put in before it",
            "reorder" => "they were exchanged",
            _ => null,
        };
        if (how is not null) Assert.Contains(how, found.Message, StringComparison.Ordinal);
        AuditLogOpening opening = AuditLog.Open(Options, TimeProvider.System);
        Assert.True(opening.Log is null, $"{act}: {opening}");
    }

    [Fact]
    public async Task Another_logs_folder_is_told_by_the_key()
    {
        // Proves that two gateways' logs cannot be swapped: each is whole, and neither is the other's.
        await _log.WriteAsync(Entries, Options);
        using LogFixture other = new();
        await other.WriteAsync(Entries, other.Options with { KeySeed = new byte[32] });
        string key = await File.ReadAllTextAsync(_log.PathOf("log.vkey"), TestContext.Current.CancellationToken);
        Assert.True(other.Verify().IsOk);
        Assert.Equal(
            AuditDamageKind.KeyMismatch, AuditVerifier.Verify(other.Folder, trustedKey: key).Kind);
    }

    [Theory]
    [InlineData("roll back")]
    [InlineData("rewrite")]
    [InlineData("rewrite longer")]
    [InlineData("fork")]
    public async Task What_a_stolen_key_can_hide_one_witness_shows(string act)
    {
        // Proves first that the folder, and the trusted key, say nothing: this is what cannot be found alone. Then that
        // a witness refuses to cosign, and that its checkpoint shows the examiner what happened.
        using CheckpointWitness witness = CheckpointWitness.Open(
            _witness, "witness.example/w1", _ => KeyOf(_log), TimeProvider.System);
        await _log.WriteAsync(300, Options);
        using LogFixture early = _log.Copy();
        await _log.WriteAsync(Entries, Options);
        Assert.Equal(200, Ask(witness, _log, 0).Status);
        byte[] known = witness.Latest(KeyOf(_log)).ToArray();
        using LogFixture forged = await ForgeAsync(act, early);
        string key = KeyOf(_log).ToString();
        Assert.True(AuditVerifier.Verify(forged.Folder, trustedKey: key).IsOk);
        AuditVerification found = AuditVerifier.Verify(forged.Folder, trustedKey: key, known: known);
        Assert.Contains(found.Kind, (AuditDamageKind[])[AuditDamageKind.RolledBack, AuditDamageKind.ForkedFromKnown]);
        WitnessAnswer answer = Ask(witness, forged, Math.Min(Entries, SizeOf(forged)));
        Assert.NotEqual(200, answer.Status);
        Assert.True(SizeOf(forged) > Entries || answer.IsConflict);
        Assert.Equal(known, witness.Latest(KeyOf(_log)).ToArray());

        // The honest log goes on being cosigned.
        await _log.WriteAsync(Entries + 10, Options);
        Assert.Equal(200, Ask(witness, _log, Entries).Status);
    }

    private void Do(string act, int entry)
    {
        switch (act)
        {
            case "flip": InSegment(entry, (bytes, frames, at) => Flip(bytes, frames[at] + 8 + 2)); break;
            case "flip with its checksum": Reframe(entry); break;
            case "flip with its checksum and its tile": Rewriting.Rehash(_log, entry, Reframe(entry)); break;
            case "delete" or "delete the last":
                InSegment(entry, (bytes, frames, at) => [.. bytes[..frames[at]], .. bytes[frames[at + 1]..]]);
                break;
            case "insert":
                InSegment(entry, (bytes, frames, at) => [.. bytes[..frames[at + 1]], .. bytes[frames[at]..]]);
                break;
            case "reorder":
                InSegment(entry, (bytes, frames, at) =>
                [
                    .. bytes[..frames[at]], .. bytes[frames[at + 1]..frames[at + 2]],
                    .. bytes[frames[at]..frames[at + 1]], .. bytes[frames[at + 2]..],
                ]);
                break;
            case "truncate":
                string newest = _log.Segment(LogFolder.Segments(_log.Folder)[^1]);
                File.WriteAllBytes(newest, File.ReadAllBytes(newest)[..^5]);
                break;
            case "delete a segment": File.Delete(_log.Segment(LogFolder.Segments(_log.Folder)[1])); break;
            case "truncate the checkpoint":
                string checkpoint = _log.PathOf("checkpoint");
                File.WriteAllText(checkpoint, File.ReadAllText(checkpoint).Replace(
                    $"\n{Entries}\n", $"\n{Entries - 1}\n", StringComparison.Ordinal));
                break;
            default: throw new ArgumentOutOfRangeException(nameof(act), act, null);
        }
    }

    // By somebody who holds the seed: a log that is whole in itself.
    private async Task<LogFixture> ForgeAsync(string act, LogFixture early)
    {
        LogFixture forged = act is "roll back" or "fork" ? early.Copy() : new LogFixture();
        AuditLogOptions options = Options with { Folder = forged.Folder };
        if (act == "roll back") return forged;
        long until = act == "rewrite longer" ? Entries + 50 : Entries;
        await using AuditLog log = LogFixture.Open(options);
        while (log.Size < until) await LogFixture.AppendAsync(log, LogFixture.Payload(1_000_000 + log.Size));
        return forged;
    }

    private static WitnessAnswer Ask(CheckpointWitness witness, LogFixture log, long old)
    {
        byte[] note = File.ReadAllBytes(log.PathOf("checkpoint"));
        Assert.True(ConsistencyProof.TryMake(log.Folder, old, SizeOf(log), out var proof));
        return witness.Add(new WitnessRequest(old, proof, note).Write());
    }

    private static long SizeOf(LogFixture log)
    {
        Assert.True(AuditVerifier.TryReadCheckpoint(log.Folder, out AuditCheckpoint? checkpoint));
        return checkpoint!.Size;
    }

    private static AuditKey KeyOf(LogFixture log) =>
        AuditKey.TryParse(File.ReadAllText(log.PathOf("log.vkey")), out AuditKey? key) ? key! : throw new IOException();

    private byte[] Reframe(int entry)
    {
        byte[] payload = [];
        InSegment(entry, (bytes, frames, at) =>
        {
            Span<byte> inside = bytes.AsSpan((frames[at] + 8)..frames[at + 1]);
            inside[2] ^= 1;
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(frames[at] + 4), Crc32C.Compute(inside));
            payload = inside.ToArray();
            return bytes;
        });
        return payload;
    }

    private static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 1;
        return bytes;
    }

    private void InSegment(int entry, Func<byte[], List<int>, int, byte[]> change)
    {
        long first = LogFolder.Segments(_log.Folder).Last(one => one <= entry);
        string path = _log.Segment(first);
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, change(bytes, LogFixture.FrameOffsets(bytes), (int)(entry - first)));
    }
}
