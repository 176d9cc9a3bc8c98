using System.Globalization;

namespace Countersign.Audit;

/// <summary>The names in a log's folder (decision 0004).</summary>
internal static class LogFolder
{
    internal const string SeedFile = "key.seed";
    /// <summary>The seed of the next key, until a hand-over.</summary>
    internal const string NextSeedFile = "key.next";
    /// <summary>One signed hand-over a file, 000001 and on.</summary>
    internal const string KeysFolder = "keys";
    internal const string KeyFile = "log.vkey";
    internal const string CheckpointFile = "checkpoint";
    /// <summary>The newest checkpoint that witnesses cosigned, with their cosignatures.</summary>
    internal const string WitnessedFile = "witnessed";
    /// <summary>Which entries were dropped on purpose, signed.</summary>
    internal const string RetainedFile = "retained";
    internal const string LockFile = "log.lock";
    internal const string SegmentFolder = "segments";
    /// <summary>Room for the segment after the newest one; named by its first entry once it has one.</summary>
    internal const string SpareFile = SegmentFolder + "/spare";
    private const string SegmentEnding = ".seg";
    private const int SegmentDigits = 20;

    internal static string SegmentName(long firstEntry) =>
        SegmentFolder + "/" + firstEntry.ToString("D20", CultureInfo.InvariantCulture) + SegmentEnding;

    internal static string Segment(string folder, long firstEntry) => Path.Combine(folder, SegmentName(firstEntry));

    /// <summary>tlog-tiles path: the index in groups of three digits, all but the last behind an <c>x</c>.</summary>
    internal static string TileName(int level, long tile) =>
        "tile/" + level.ToString(CultureInfo.InvariantCulture) + "/" + IndexPath(tile);

    /// <summary>The end of such a path.</summary>
    internal static string IndexPath(long tile)
    {
        string path = (tile % 1000).ToString("D3", CultureInfo.InvariantCulture);
        for (long rest = tile / 1000; rest > 0; rest /= 1000)
        {
            path = "x" + (rest % 1000).ToString("D3", CultureInfo.InvariantCulture) + "/" + path;
        }

        return path;
    }

    internal static string Tile(string folder, int level, long tile) => Path.Combine(folder, TileName(level, tile));

    /// <summary>The first entries of all segments, ascending. Files with other names are not segments.</summary>
    internal static List<long> Segments(string folder)
    {
        List<long> firsts = [];
        string segments = Path.Combine(folder, SegmentFolder);
        if (!Directory.Exists(segments)) return firsts;
        foreach (string path in Directory.EnumerateFiles(segments, "*" + SegmentEnding))
        {
            string digits = Path.GetFileNameWithoutExtension(path);
            if (digits.Length == SegmentDigits
                && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long first))
            {
                firsts.Add(first);
            }
        }

        firsts.Sort();
        return firsts;
    }
}
