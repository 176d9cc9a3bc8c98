using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Countersign.Audit;

/// <summary>What a witness answers.</summary>
/// <param name="Status">200, 400, 403, 404, 409 or 422, as C2SP tlog-witness says.</param>
/// <param name="Body">Cosignature lines with 200, the size last seen with 409, else why not.</param>
public sealed record WitnessAnswer(int Status, string Body)
{
    /// <summary>How a checkpoint that the log did sign contradicts what the witness saw of it; empty where none
    /// does.</summary>
    public string Conflict { get; init; } = "";

    /// <summary>True if there is a <see cref="Conflict"/>.</summary>
    public bool IsConflict => Conflict.Length > 0;

    /// <summary>
    /// True for a conflict that nobody but the holder of the log's key can have made. An old head that is held out
    /// again may be anybody's, and so may a new one with a wrong proof, which cannot be told from a right one of
    /// another past where the tree that was seen is whole (a power of two): if the log then goes on from what was
    /// seen, it was.
    /// </summary>
    public bool IsProven { get; init; }
}

/// <summary>
/// Watches logs: remembers of each the last checkpoint, and cosigns the next only on proof that it continues that one
/// (C2SP tlog-witness). What it saw is on disk before it signs. Thread-safe.
/// </summary>
public sealed class CheckpointWitness : IDisposable
{
    private const string SeedFile = "key.seed";
    private const string KeysEnding = ".keys";
    private const int SeedBytes = 32;

    private readonly string _folder;
    private readonly Func<string, AuditKey?> _logs;
    private readonly TimeProvider _clock;
    private readonly Key _secret;
    private readonly DiskStorage _storage = new();
    private readonly Lock _gate = new();

    private CheckpointWitness(string folder, Key secret, string name, Func<string, AuditKey?> logs, TimeProvider clock)
    {
        (_folder, _secret, _logs, _clock) = (folder, secret, logs, clock);
        Key = CosignerKey.From(name, secret.PublicKey);
    }

    /// <summary>Raised for each answer to a log that it watches, with the log's origin; from whatever thread
    /// asked.</summary>
    public event Action<string, WitnessAnswer>? Answered;

    /// <summary>Whose cosignatures it gives.</summary>
    public CosignerKey Key { get; }

    /// <summary>Opens a witness, or begins one: its key and what it saw are in the folder.</summary>
    /// <param name="folder">Its own folder; made if absent.</param>
    /// <param name="name">Its name, as <see cref="CosignerKey.Name"/>.</param>
    /// <param name="logs">The key of the log with that origin; null for one that it does not watch.</param>
    /// <param name="clock">The time.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    /// <exception cref="InvalidDataException">The seed there is none.</exception>
    public static CheckpointWitness Open(
        string folder, string name, Func<string, AuditKey?> logs, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(logs);
        Directory.CreateDirectory(folder);
        byte[] seed = LogKey.ReadOrCreate(Path.Combine(folder, SeedFile));
        if (seed.Length != SeedBytes) throw new InvalidDataException($"{folder}/{SeedFile} does not hold 32 bytes");
        Key secret = NSec.Cryptography.Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey);
        CryptographicOperations.ZeroMemory(seed);
        return new CheckpointWitness(folder, secret, name, logs, clock);
    }

    /// <summary>Answers what a log asks; which log it is, its checkpoint's origin says.</summary>
    public WitnessAnswer Add(ReadOnlySpan<byte> body)
    {
        if (!WitnessRequest.TryRead(body, out WitnessRequest? request)) return new(400, "malformed request\n");
        return _logs(OriginOf(request!.Note.Span)) is { } key ? Add(request, key) : new(404, "unknown log\n");
    }

    /// <summary>Answers what the log of <paramref name="key"/> asks.</summary>
    public WitnessAnswer Add(ReadOnlySpan<byte> body, AuditKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return WitnessRequest.TryRead(body, out WitnessRequest? request)
            ? Add(request!, key)
            : new(400, "malformed request\n");
    }

    private WitnessAnswer Add(WitnessRequest request, AuditKey key)
    {
        WitnessAnswer answer = Judge(request, key);
        Answered?.Invoke(key.Name, answer);
        return answer;
    }

    private WitnessAnswer Judge(WitnessRequest request, AuditKey key)
    {
        lock (_gate)
        {
            AuditKeyChain keys = KeysOf(key);
            AuditCheckpointStatus status = keys.Parse(request.Note.Span, out AuditCheckpoint? checkpoint);
            return status switch
            {
                AuditCheckpointStatus.Ok => Compare(request, checkpoint!, keys),
                AuditCheckpointStatus.Malformed => new(400, "malformed checkpoint\n"),

                // The log that the witness follows signs with another key by now: this one is in other hands.
                AuditCheckpointStatus.KeyRetired => Proven(403, "signed by a retired key"),
                _ => new(403, "not signed by the log's key\n"),
            };
        }
    }

    /// <summary>The last checkpoint of a log that it cosigned, with its own cosignature; empty for none.</summary>
    public ReadOnlyMemory<byte> Latest(AuditKey log)
    {
        ArgumentNullException.ThrowIfNull(log);
        lock (_gate)
        {
            string path = PathOf(KeysOf(log).First);
            return File.Exists(path) ? File.ReadAllBytes(path) : default(ReadOnlyMemory<byte>);
        }
    }

    /// <summary>The same, by the hash that the monitoring path names a log by: SHA-256 of its origin, lower-case
    /// hexadecimal.</summary>
    public ReadOnlyMemory<byte> LatestByHash(string hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        lock (_gate)
        {
            foreach (string path in Directory.EnumerateFiles(_folder))
            {
                if (Path.GetFileName(path).Length != 2 * AuditLimits.HashBytes) continue;
                byte[] note = File.ReadAllBytes(path);
                if (HashOf(OriginOf(note)) == hash) return note;
            }
        }

        return default;
    }

    /// <inheritdoc/>
    public void Dispose() => _secret.Dispose();

    private WitnessAnswer Compare(WitnessRequest request, AuditCheckpoint checkpoint, AuditKeyChain keys)
    {
        if (request.OldSize > checkpoint.Size) return new(400, "the old size is above the checkpoint's\n");
        AuditCheckpoint? seen = null;
        string path = PathOf(keys.First);
        if (keys.IsContradictedBy(request.Note.Span))
        {
            bool isNext = KeyHandover.TryRead(request.Note.Span, out KeyHandover? next)
                && keys.TryExtend(next!, out _);
            if (!isNext) return Proven(422, "hands over from a retired key");
        }

        if (File.Exists(path) && keys.Parse(File.ReadAllBytes(path), out seen) != AuditCheckpointStatus.Ok)
        {
            return Proven(422, "what was seen of this log is not signed by this key");
        }

        long size = seen?.Size ?? 0;
        if (request.OldSize != size)
        {
            // A log that signs less than it did was rolled back, unless it merely asks anew.
            return new(409, size.ToString(CultureInfo.InvariantCulture) + "\n")
            {
                Conflict = checkpoint.Size >= size ? "" : string.Create(
                    CultureInfo.InvariantCulture,
                    $"it signed {checkpoint.Size} entries, of which {size} were seen before"),
            };
        }

        Span<byte> empty = stackalloc byte[AuditLimits.HashBytes];
        MerkleHash.Empty(empty);
        if (checkpoint.Size == 0 && !checkpoint.Root.Span.SequenceEqual(empty))
            return Proven(422, "an empty tree has another root");
        ReadOnlySpan<byte> root = seen is null ? empty : seen.Root.Span;
        bool isGrowth = ConsistencyProof.Verifies(size, root, checkpoint.Size, checkpoint.Root.Span, request.Proof);
        if (!isGrowth)
        {
            // Two roots of one size contradict each other, and so may the proof itself. Else it is the proof that is
            // wrong, and that may be anybody's; but what no proof could tell is told.
            const string Why = "the checkpoint does not continue the one that was seen";
            bool isFork = ConsistencyProof.Contradicts(
                size, root, checkpoint.Size, checkpoint.Root.Span, request.Proof);
            if (!isFork && !ConsistencyProof.IsSilent(size, checkpoint.Size)) return new(422, Why + "\n");
            string how = string.Create(
                CultureInfo.InvariantCulture,
                $"it signed {checkpoint.Size} entries that do not begin with the {size} that were seen")
                + (isFork ? "" : ", or that came with a wrong proof");
            return new(422, Why + "\n") { Conflict = how, IsProven = isFork };
        }

        Follow(path, keys, checkpoint);
        return Cosign(path, checkpoint);
    }

    private static WitnessAnswer Proven(int status, string why) =>
        new(status, why + "\n") { Conflict = why, IsProven = true };

    private WitnessAnswer Cosign(string path, AuditCheckpoint checkpoint)
    {
        AuditCheckpoint.NoteText.TrySplit(checkpoint.Note.Span, out string text, out string[] lines);
        string line = Key.Line(_secret, text, _clock.GetUtcNow().ToUnixTimeSeconds());
        string own = "\u2014 " + Key.Name + " ";
        string kept = string.Concat(lines.Where(one => !one.StartsWith(own, StringComparison.Ordinal))
            .Select(one => one + "\n"));
        _storage.Replace(path, Encoding.UTF8.GetBytes(text + "\n" + kept + line));
        return new WitnessAnswer(200, line);
    }

    // A hand-over that continues what was seen: from here on the new key speaks for the log, and the old one does not.
    private void Follow(string path, AuditKeyChain keys, AuditCheckpoint checkpoint)
    {
        bool isNext = KeyHandover.TryRead(checkpoint.Note.Span, out KeyHandover? next)
            && keys.TryExtend(next!, out _);
        if (!isNext) return;
        string folder = path + KeysEnding, name = AuditKeyChain.NameOf(keys.Handovers.Count + 1);
        _storage.Replace(Path.Combine(folder, name), checkpoint.Note.Span);
        _storage.FlushFolder(_folder);
    }

    // The log by any of its keys: whoever names a later one means the same log.
    private AuditKeyChain KeysOf(AuditKey key)
    {
        foreach (string folder in Directory.EnumerateDirectories(_folder, "*" + KeysEnding))
        {
            if (!AuditKeyChain.TryReadHandovers(folder, out List<KeyHandover> handovers))
                throw new InvalidDataException($"{folder} does not hold the hand-overs that were seen");

            // A process that was killed before it had written the first leaves an empty folder.
            if (handovers.Count == 0) continue;
            AuditKeyChain keys = AuditKeyChain.Of(handovers[0].From);
            foreach (KeyHandover next in handovers)
            {
                if (keys.TryExtend(next, out AuditKeyChain? longer)) keys = longer!;
            }

            if (keys.Contains(key)) return keys;
        }

        return AuditKeyChain.Of(key);
    }

    // By key rather than by origin: a log that was begun anew under an old name is another log.
    private string PathOf(AuditKey log) => Path.Combine(_folder, HashOf(log.ToString()));

    private static string HashOf(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string OriginOf(ReadOnlySpan<byte> note)
    {
        int line = note.IndexOf((byte)'\n');
        return line > 0 ? Encoding.UTF8.GetString(note[..line]) : "";
    }
}
