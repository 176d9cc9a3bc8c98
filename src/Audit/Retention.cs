using System.Globalization;
using System.Text;

namespace Countersign.Audit;

/// <summary>
/// Which entries a log still holds. Old segments may be dropped; their hashes stay in the tiles, so that the root still
/// stands over them and a record that was exported is proven as before. What was dropped on purpose is told by a note
/// that the log's key signed, from what somebody took away.
/// </summary>
internal static class Retention
{
    private const string FirstLine = "countersign.retained/v1";

    /// <summary>The first entry that is held, as the log's key says; 0 where nothing was dropped.</summary>
    internal static long FirstHeld(string folder, AuditKey key)
    {
        string path = Path.Combine(folder, LogFolder.RetainedFile);
        if (!File.Exists(path)) return 0;
        byte[] note = File.ReadAllBytes(path);
        if (!AuditCheckpoint.NoteText.TrySplit(note, out string text, out string[] lines)) return 0;
        if (AuditCheckpoint.CheckSignatures(text, lines, key) != AuditCheckpointStatus.Ok) return 0;
        string[] told = text.Split('\n');
        bool isTold = told.Length == 4 && told[0] == FirstLine && told[1] == key.Name;
        return isTold && long.TryParse(told[2], NumberStyles.None, CultureInfo.InvariantCulture, out long first)
            ? first
            : 0;
    }

    /// <summary>The same without a key, for readers, who prove nothing.</summary>
    internal static long FirstHeld(string folder)
    {
        string path = Path.Combine(folder, LogFolder.KeyFile);
        return File.Exists(path) && AuditKey.TryParse(File.ReadAllText(path), out AuditKey? key)
            ? FirstHeld(folder, key!)
            : 0;
    }

    /// <summary>The signed note that entries below <paramref name="first"/> were dropped.</summary>
    internal static byte[] Note(long first, params ReadOnlySpan<LogKey> keys)
    {
        string name = keys[0].Public.Name;
        string text = FirstLine + "\n" + name + "\n" + first.ToString(CultureInfo.InvariantCulture) + "\n";
        StringBuilder note = new(text + "\n");
        foreach (LogKey key in keys) note.Append(key.SignatureLine(text));
        return Encoding.UTF8.GetBytes(note.ToString());
    }

    /// <summary>
    /// The first entry to hold: that of the oldest segment that is young and small enough, of those that are complete
    /// and under a signed head. 0 drops nothing.
    /// </summary>
    internal static long FirstToHold(string folder, AuditLogOptions options, long signed, DateTimeOffset now)
    {
        List<long> firsts = LogFolder.Segments(folder);
        long bytes = firsts.Sum(first => new FileInfo(LogFolder.Segment(folder, first)).Length);
        long hold = 0;
        for (int at = 0; at + 1 < firsts.Count && firsts[at + 1] <= signed; at++)
        {
            FileInfo segment = new(LogFolder.Segment(folder, firsts[at]));

            // A segment was written to last when its newest entry was.
            bool isOld = options.KeepFor > TimeSpan.Zero && now - segment.LastWriteTimeUtc > options.KeepFor;
            bool isTooMuch = options.KeepBytes > 0 && bytes > options.KeepBytes;
            if (!isOld && !isTooMuch) break;
            bytes -= segment.Length;
            hold = firsts[at + 1];
        }

        return hold;
    }

    /// <summary>
    /// Drops what lies below: the hashes are made sure of first, then the note, then the segments go. A crash in
    /// between leaves segments that the next time drops.
    /// </summary>
    internal static void Drop(string folder, IAuditStorage storage, LogKey key, long first)
    {
        TileReader tiles = new(folder);
        for (long entry = 0; entry < first; entry++)
        {
            if (!tiles.TryRead(0, entry, out _)) return;
            if (entry % AuditLimits.TileHashes > 0) continue;
            using var file = storage.Open(LogFolder.Tile(folder, 0, entry / AuditLimits.TileHashes));
            storage.Flush(file);
        }

        storage.Replace(Path.Combine(folder, LogFolder.RetainedFile), Note(first, key));
        foreach (long segment in LogFolder.Segments(folder))
        {
            if (segment < first) File.Delete(LogFolder.Segment(folder, segment));
        }
    }
}
