using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit.Tests;

/// <summary>A log whose signing key is changed: who is believed, before and after, and what a retired key can do.
/// </summary>
public sealed class KeyRotationTests : IDisposable
{
    private readonly LogFixture _log = new();
    private readonly string _witness = Directory.CreateTempSubdirectory("countersign-rotation-").FullName;

    private AuditLogOptions Options => _log.Options with { KeySeed = default, SegmentBytesMax = 2_048 };

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_witness, recursive: true);
    }

    [Fact]
    public async Task A_new_key_is_handed_over_to_by_the_old()
    {
        // Proves that the log goes on under a new key, that whoever trusts the first or the newest verifies it, that
        // the old seed is gone, that the log tells of it, and that the hand-over is a checkpoint for either key.
        await _log.WriteAsync(300, Options);
        AuditKey first = KeyIn(_log);
        AuditKey next = KeyRotation.Prepare(_log.Folder)!;
        Assert.Equal(next.ToString(), KeyRotation.Prepare(_log.Folder)!.ToString());
        Assert.Equal(first.ToString(), KeyIn(_log).ToString());
        AuditLogOpening opening = AuditLog.Open(Options, TimeProvider.System);
        Assert.Equal((next.ToString(), 300L), (opening.Handover!.To.ToString(), opening.Handover.Head.Size));
        await LogFixture.AppendAsync(opening.Log!, 301, 400);
        await opening.Log!.DisposeAsync();

        Assert.Equal((first.ToString(), next.ToString()), (Chain().First.ToString(), Chain().Current.ToString()));
        Assert.Equal(next.ToString(), KeyIn(_log).ToString());
        Assert.False(File.Exists(_log.PathOf("key.next")));
        Assert.Equal(next.ToString(), SeedKey(File.ReadAllBytes(_log.PathOf("key.seed"))));
        foreach (AuditKey trusted in (AuditKey[])[first, next])
        {
            AuditVerification found = AuditVerifier.Verify(_log.Folder, trustedKey: trusted.ToString());
            Assert.True(found.IsOk, found.Message);
            Assert.Equal(400, found.EntriesCovered);
            Assert.True(AuditVerifier.VerifyRange(_log.Folder, 10, 350, trustedKey: trusted.ToString()).IsOk);
        }

        byte[] handover = File.ReadAllBytes(_log.PathOf("keys/000001"));
        Assert.Equal(AuditCheckpointStatus.Ok, AuditCheckpoint.Parse(handover, first, out AuditCheckpoint? old));
        Assert.Equal(AuditCheckpointStatus.Ok, AuditCheckpoint.Parse(handover, next, out _));
        Assert.Equal(300, old!.Size);
        Assert.Equal(AuditCheckpointStatus.Unsigned, AuditCheckpoint.Parse(Note(_log), first, out _));
        AuditEntry told = Assert.Single(AuditReader.Between(_log.Folder, 300, 301));
        Assert.Contains("\"event\":\"audit-key-rotated\"", Encoding.UTF8.GetString(told.Payload.Span),
            StringComparison.Ordinal);

        await RotateAsync();
        await _log.WriteAsync(420, Options);
        Assert.Equal(2, Chain().Handovers.Count);
        Assert.True(AuditVerifier.Verify(_log.Folder, trustedKey: first.ToString()).IsOk);
    }

    [Fact]
    public async Task A_hand_over_that_is_cut_short_is_finished()
    {
        // Proves, for every act on the disk at which the process may end, that the next opening has one key or the
        // other, finishes what was begun, and that the log verifies by the key that it was begun with.
        bool isWhole = false;
        for (int acts = 0; !isWhole; acts++)
        {
            using LogFixture log = new();
            AuditLogOptions options = log.Options with { KeySeed = default };
            await log.WriteAsync(3, options);
            string first = KeyIn(log).ToString(), next = KeyRotation.Prepare(log.Folder)!.ToString();
            AuditLogOpening opening = AuditLogOpener.Open(options, TimeProvider.System, new EndingStorage(acts));
            isWhole = opening.Log is not null;
            if (isWhole) await opening.Log!.DisposeAsync();
            else Assert.Equal(AuditOpenStatus.StorageFailed, opening.Status);
            AuditVerification between = AuditVerifier.Verify(log.Folder, trustedKey: first);
            Assert.True(between.IsOk, $"{acts}: {between.Message}");
            opening = AuditLog.Open(options, TimeProvider.System);
            Assert.True(opening.Log is not null, $"{acts}: {opening}");
            await LogFixture.AppendAsync(opening.Log, 0, 2);
            await opening.Log.DisposeAsync();
            Assert.Equal(next, KeyIn(log).ToString());
            Assert.True(AuditVerifier.Verify(log.Folder, trustedKey: first).IsOk);
            Assert.True(acts < 100, "the hand-over never came to its end");
        }
    }

    [Fact]
    public async Task What_a_retired_key_signs_is_believed_by_nobody()
    {
        // Proves that a log that goes on under the retired key is damage by its own folder, that one without the
        // hand-over is no longer the log of whoever trusts the new key, and that an edited hand-over is none.
        await _log.WriteAsync(50, Options);
        using LogFixture stolen = _log.Copy();
        await RotateAsync();
        await _log.WriteAsync(100, Options);
        string next = KeyIn(_log).ToString();
        await stolen.WriteAsync(120, Options with { Folder = stolen.Folder });
        Assert.True(AuditVerifier.Verify(stolen.Folder).IsOk);
        Assert.Equal(AuditDamageKind.KeyMismatch, AuditVerifier.Verify(stolen.Folder, trustedKey: next).Kind);
        Assert.Equal(
            AuditDamageKind.CheckpointSignature, AuditVerifier.Verify(stolen.Folder, known: Note(_log)).Kind);
        Assert.Equal(AuditCheckpointStatus.KeyRetired, Chain().Parse(Note(stolen), out _));

        Directory.CreateDirectory(stolen.PathOf("keys"));
        File.Copy(_log.PathOf("keys/000001"), stolen.PathOf("keys/000001"));
        Assert.Equal(AuditDamageKind.CheckpointSignature, stolen.Verify().Kind);
        Assert.Equal(
            AuditOpenStatus.KeyMismatch,
            AuditLog.Open(Options with { Folder = stolen.Folder }, TimeProvider.System).Status);

        byte[] note = File.ReadAllBytes(_log.PathOf("keys/000001"));
        for (int at = 0; at < note.Length; at += 7)
        {
            note[at] ^= 1;
            File.WriteAllBytes(_log.PathOf("keys/000001"), note);
            Assert.Equal(AuditDamageKind.KeyMismatch, _log.Verify().Kind);
            note[at] ^= 1;
        }

        File.WriteAllBytes(_log.PathOf("keys/000001"), note);
        Assert.True(_log.Verify().IsOk);
    }

    [Fact]
    public async Task What_was_before_a_hand_over_is_held_to_it()
    {
        // Proves that who stole the new key alone cannot rewrite what the old one signed: the hand-over tells.
        await _log.WriteAsync(50, Options);
        await RotateAsync();
        using LogFixture forged = new();
        AuditLogOptions options = forged.Options with
        {
            KeySeed = File.ReadAllBytes(_log.PathOf("key.seed")),
            SegmentBytesMax = 2_048,
        };
        await using (AuditLog log = LogFixture.Open(options))
        {
            await LogFixture.AppendAsync(log, 7_000, 7_100);
        }

        Directory.CreateDirectory(forged.PathOf("keys"));
        File.Copy(_log.PathOf("keys/000001"), forged.PathOf("keys/000001"));
        Assert.Equal(AuditDamageKind.ForkedFromKnown, forged.Verify().Kind);
    }

    [Fact]
    public async Task A_witness_follows_a_proven_hand_over_and_no_other()
    {
        // Proves the story of a stolen key: the witness takes the new key only by a hand-over that continues what it
        // saw, over a restart; then the old key's heads, and another hand-over by the old key, are conflicts.
        await _log.WriteAsync(50, Options);
        using LogFixture stolen = _log.Copy(), other = _log.Copy();
        AuditKey first = KeyIn(_log);
        CheckpointWitness witness = Witness(first);
        Assert.Equal(200, Ask(witness, _log, 0, Note(_log)).Status);
        await _log.WriteAsync(60, Options);
        await RotateAsync();
        await _log.WriteAsync(80, Options);
        byte[] handover = File.ReadAllBytes(_log.PathOf("keys/000001"));
        Assert.Equal(403, Ask(witness, _log, 50, Note(_log)).Status);
        byte[] unproven = new WitnessRequest(50, [], handover).Write();
        Assert.Equal(422, witness.Add(unproven).Status);
        Assert.Equal(403, Ask(witness, _log, 50, Note(_log)).Status);
        Assert.Equal(200, Ask(witness, _log, 50, handover).Status);
        witness.Dispose();
        witness = Witness(first);
        Assert.Equal(200, Ask(witness, _log, 60, Note(_log)).Status);

        await stolen.WriteAsync(90, Options with { Folder = stolen.Folder });
        WitnessAnswer retired = Ask(witness, stolen, 50, Note(stolen));
        Assert.Equal((403, true), (retired.Status, retired.IsConflict));
        KeyRotation.Prepare(other.Folder);
        await using (AuditLog log = LogFixture.Open(Options with { Folder = other.Folder }))
        {
            await LogFixture.AppendAsync(log, 0, 1);
        }

        byte[] theirs = File.ReadAllBytes(other.PathOf("keys/000001"));
        WitnessAnswer second = Ask(witness, other, 50, theirs);
        Assert.Equal((422, true), (second.Status, second.IsConflict));
        Assert.Equal(200, Ask(witness, _log, 80, Note(_log)).Status);
        Assert.Equal(witness.Latest(first).ToArray(), witness.Latest(KeyIn(_log)).ToArray());
        await using AuditLog honest = LogFixture.Open(Options);
        Assert.Equal(PastStanding.Continues, PastEvidence.Judge(honest, witness.Latest(first).Span));
        Assert.Equal(PastStanding.Continues, PastEvidence.Judge(honest, handover));
        Assert.Equal(PastStanding.Forked, PastEvidence.Judge(honest, theirs));
        witness.Dispose();
    }

    [Fact]
    public async Task A_petition_brings_a_witness_over_every_hand_over_it_missed()
    {
        // Proves that a log finds its way with a witness that saw it last two keys ago, or never.
        await _log.WriteAsync(10, Options);
        AuditKey first = KeyIn(_log);
        using CheckpointWitness witness = Witness(first);
        Assert.Equal(200, Ask(witness, _log, 0, Note(_log)).Status);
        await RotateAsync();
        await _log.WriteAsync(20, Options);
        await RotateAsync();
        await _log.WriteAsync(30, Options);
        await using AuditLog log = LogFixture.Open(Options);
        WitnessPetition petition = new(log, witness.Key);
        Assert.Equal(PetitionOutcome.Cosigned, Settle(petition, witness, log));
        Assert.Equal(log.LastCheckpoint!.Size, petition.Cosigned!.Size);
        string folder = Directory.CreateDirectory(Path.Combine(_witness, "new")).FullName;
        using CheckpointWitness fresh = CheckpointWitness.Open(folder, "witness.example/w2", _ => first,
            TimeProvider.System);
        Assert.Equal(PetitionOutcome.Cosigned, Settle(new WitnessPetition(log, fresh.Key), fresh, log));
        using CheckpointWitness stranger = CheckpointWitness.Open(
            Directory.CreateDirectory(Path.Combine(_witness, "else")).FullName, "witness.example/w3",
            _ => AuditKey.TryParse("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", out AuditKey? other)
                ? other : null, TimeProvider.System);
        Assert.Equal(PetitionOutcome.Refused, Settle(new WitnessPetition(log, stranger.Key), stranger, log));
    }

    [Fact]
    public async Task What_was_dropped_stays_told_under_the_new_key()
    {
        // Proves that the note of retention is signed anew, so that nobody needs the old key to see what was dropped.
        AuditLogOptions keeping = Options with { KeepBytes = 2 * 2_048 };
        await using (AuditLog log = LogFixture.Open(keeping))
        {
            await LogFixture.AppendAsync(log, 0, 600);
        }

        long dropped;
        await using (AuditLog log = LogFixture.Open(keeping)) dropped = log.Retain(DateTimeOffset.UnixEpoch);
        Assert.True(dropped > 0);
        await RotateAsync();
        AuditVerification found = _log.Verify();
        Assert.True(found.IsOk, found.Message);
        Assert.Equal(dropped, found.EntriesDropped);
    }

    private static PetitionOutcome Settle(WitnessPetition petition, CheckpointWitness witness, AuditLog log)
    {
        for (int turn = 0; ; turn++)
        {
            WitnessAnswer answer = witness.Add(petition.Ask(log.LastCheckpoint!)!);
            PetitionOutcome outcome = petition.Take(answer.Status, answer.Body);
            if (outcome is not (PetitionOutcome.HandingOver or PetitionOutcome.SawOther)) return outcome;
            Assert.True(turn < 10, $"{answer.Status} {answer.Body}");
        }
    }

    private async Task RotateAsync()
    {
        Assert.NotNull(KeyRotation.Prepare(_log.Folder));
        await using AuditLog log = LogFixture.Open(Options);
    }

    private AuditKeyChain Chain() =>
        AuditKeyChain.TryRead(_log.Folder, out AuditKeyChain? chain) ? chain! : throw new IOException();

    private CheckpointWitness Witness(AuditKey first) =>
        CheckpointWitness.Open(_witness, "witness.example/w1", _ => first, TimeProvider.System);

    private static WitnessAnswer Ask(CheckpointWitness witness, LogFixture log, long old, byte[] note)
    {
        long size = long.Parse(Encoding.UTF8.GetString(note).Split('\n')[1], CultureInfo.InvariantCulture);
        Assert.True(ConsistencyProof.TryMake(log.Folder, old, size, out var proof));
        return witness.Add(new WitnessRequest(old, proof, note).Write());
    }

    private static byte[] Note(LogFixture log) => File.ReadAllBytes(log.PathOf("checkpoint"));

    private static AuditKey KeyIn(LogFixture log) =>
        AuditKey.TryParse(File.ReadAllText(log.PathOf("log.vkey")), out AuditKey? key) ? key! : throw new IOException();

    private static string SeedKey(byte[] seed)
    {
        using LogKey? key = LogKey.FromSeed(LogFixture.Origin, seed);
        return key!.Public.ToString();
    }

    /// <summary>A process that ends at its nth act that lasts.</summary>
    private sealed class EndingStorage(int acts) : IAuditStorage
    {
        private readonly DiskStorage _disk = new();
        private int _left = acts;

        public SafeFileHandle Open(string path) => _disk.Open(path);

        public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) =>
            _disk.Write(file, bytes, offset);

        public void Flush(SafeFileHandle file)
        {
            Act();
            _disk.Flush(file);
        }

        public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

        public void FlushFolder(string folder)
        {
            Act();
            _disk.FlushFolder(folder);
        }

        public void Rename(string path, string name)
        {
            Act();
            _disk.Rename(path, name);
        }

        public void Replace(string path, ReadOnlySpan<byte> bytes)
        {
            Act();
            _disk.Replace(path, bytes);
        }

        private void Act()
        {
            if (_left-- <= 0) throw new IOException("the process has ended");
        }
    }
}
