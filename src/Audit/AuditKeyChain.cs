using System.Globalization;
using System.Text;

namespace Countersign.Audit;

/// <summary>
/// The keys of one log in their order, each handed over to by the one before (<see cref="KeyHandover"/>). A log is
/// known by its first; a retired one is believed for what the log held when it was retired, and nothing more.
/// Immutable.
/// </summary>
public sealed class AuditKeyChain
{
    private const int DigitsOfName = 6;

    private AuditKeyChain(AuditKey first, IReadOnlyList<KeyHandover> handovers)
    {
        (First, Handovers) = (first, handovers);
    }

    /// <summary>The key that the log was begun with.</summary>
    public AuditKey First { get; }

    /// <summary>The key that signs now.</summary>
    public AuditKey Current => Handovers.Count == 0 ? First : Handovers[^1].To;

    /// <summary>Every hand-over, oldest first.</summary>
    public IReadOnlyList<KeyHandover> Handovers { get; }

    /// <summary>A log whose key was never changed.</summary>
    public static AuditKeyChain Of(AuditKey only)
    {
        ArgumentNullException.ThrowIfNull(only);
        return new AuditKeyChain(only, []);
    }

    /// <summary>
    /// The keys of the log in a folder; false if they are not there, or do not follow from each other.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static bool TryRead(string folder, out AuditKeyChain? chain)
    {
        ArgumentNullException.ThrowIfNull(folder);
        chain = null;
        string path = Path.Combine(folder, LogFolder.KeyFile);
        if (!File.Exists(path)) return false;

        // Latin-1 keeps every byte distinct: the file is compared exactly, but for one line end.
        string beside = File.ReadAllText(path, Encoding.Latin1).TrimEnd('\n');
        if (!AuditKey.TryParse(beside, out AuditKey? key) || beside != key!.ToString()) return false;
        if (!TryReadHandovers(Path.Combine(folder, LogFolder.KeysFolder), out List<KeyHandover> handovers))
            return false;
        AuditKeyChain read = Of(handovers.Count == 0 ? key : handovers[0].From);
        foreach (KeyHandover next in handovers)
        {
            if (!read.TryExtend(next, out AuditKeyChain? longer)) return false;
            read = longer!;
        }

        // A process that is killed while it hands over may leave the old key's file.
        bool isKnown = read.Current.ToString() == beside
            || (handovers.Count > 0 && handovers[^1].From.ToString() == beside);
        if (!isKnown) return false;
        chain = read;
        return true;
    }

    /// <summary>The chain with one more; false if that does not hand over from the key that signs now.</summary>
    public bool TryExtend(KeyHandover next, out AuditKeyChain? longer)
    {
        ArgumentNullException.ThrowIfNull(next);
        bool follows = next.From.ToString() == Current.ToString() && !Contains(next.To)
            && (Handovers.Count == 0 || next.Head.Size >= Handovers[^1].Head.Size);
        longer = follows ? new AuditKeyChain(First, [.. Handovers, next]) : null;
        return follows;
    }

    /// <summary>True for any key of the chain, retired ones included.</summary>
    public bool Contains(AuditKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        string text = key.ToString();
        return First.ToString() == text || Handovers.Any(one => one.To.ToString() == text);
    }

    /// <summary>
    /// Reads a note and believes it if the key that signs now signed it, or a retired one for no more than the log held
    /// when that was retired.
    /// </summary>
    public AuditCheckpointStatus Parse(ReadOnlySpan<byte> note, out AuditCheckpoint? checkpoint)
    {
        AuditCheckpointStatus status = AuditCheckpoint.Parse(note, Current, out checkpoint);
        if (status != AuditCheckpointStatus.Unsigned) return status;
        foreach (KeyHandover handover in Handovers.Reverse())
        {
            status = AuditCheckpoint.Parse(note, handover.From, out checkpoint);
            if (status == AuditCheckpointStatus.Unsigned) continue;
            if (status != AuditCheckpointStatus.Ok || checkpoint!.Size <= handover.Head.Size) return status;
            checkpoint = null;
            return AuditCheckpointStatus.KeyRetired;
        }

        return AuditCheckpointStatus.Unsigned;
    }

    /// <summary>
    /// True if a note hands over, by a key of this chain, to one that is not in it: somebody else holds that key.
    /// </summary>
    public bool IsContradictedBy(ReadOnlySpan<byte> note) =>
        KeyHandover.TryRead(note, out KeyHandover? other) && Contains(other!.From) && !Contains(other.To);

    /// <summary>
    /// How many entries <paramref name="key"/> may speak of: all, none if it is of another log, and for a retired one
    /// what the log held when it was retired.
    /// </summary>
    public long ReachOf(AuditKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        string text = key.ToString();
        if (Current.ToString() == text) return long.MaxValue;
        return Handovers.FirstOrDefault(one => one.From.ToString() == text)?.Head.Size ?? 0;
    }

    internal static string NameOf(int handover) => handover.ToString("D6", CultureInfo.InvariantCulture);

    /// <summary>The notes in a folder, named 000001 and on; false if one is missing or is none.</summary>
    internal static bool TryReadHandovers(string folder, out List<KeyHandover> handovers)
    {
        handovers = [];
        if (!Directory.Exists(folder)) return true;
        int count = Directory.EnumerateFiles(folder).Count(path => Path.GetFileName(path).Length == DigitsOfName);
        for (int at = 1; at <= count; at++)
        {
            string path = Path.Combine(folder, NameOf(at));
            if (!File.Exists(path) || !KeyHandover.TryRead(File.ReadAllBytes(path), out KeyHandover? next))
                return false;
            handovers.Add(next!);
        }

        return true;
    }
}
