using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Countersign.Cli.Shipping;

/// <summary>Where and how files are written.</summary>
/// <param name="Folder">Their folder.</param>
/// <param name="BytesMax">A file that would grow beyond this is closed and the next begun.</param>
/// <param name="Every">So is one that is older.</param>
internal sealed record FileTerms(string Folder, long BytesMax, TimeSpan Every);

/// <summary>
/// NDJSON files, each named by its log and the first entry it holds. A line is the record behind its index and leaf
/// hash. What is on disk says how far it is: a torn last line is cut and written again.
/// </summary>
internal sealed class FileDestination(FileTerms terms, TimeProvider clock) : IAuditDestination
{
    private const string Ending = ".ndjson";
    private const int LineBytesMax = 262_144;
    private FileStream? _file;
    private DateTimeOffset _begunAt;
    private long _first;
    private long _lostFrom = -1;

    public bool Remembers => true;

    public ValueTask<ShipOpening> OpenAsync(LogIdentity log, CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(terms.Folder);
            Close();
            ShipOpening opening = Resume(log);
            bool isLost = _lostFrom >= 0 && opening.Status == ShipStatus.Taken && opening.Next < _lostFrom;
            if (isLost) opening = opening with { Next = _lostFrom, Leaf = null };
            _lostFrom = -1;
            return new(opening);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new(new ShipOpening(ShipStatus.Away, fault.Message));
        }
    }

    public async ValueTask<ShipResult> WriteAsync(ShipBatch batch, CancellationToken cancellation)
    {
        try
        {
            if (_file is not null && !File.Exists(_file.Name))
            {
                // What it held is written again: whoever moved the newest file has those entries twice, nobody lacks
                // them.
                _lostFrom = _first;
                return new ShipResult(ShipStatus.Away, Path.GetFileName(_file.Name) + " was taken away");
            }

            Roll(batch);
            using MemoryStream lines = new();
            foreach (ShippedEntry entry in batch.Entries) Append(lines, entry);
            await _file!.WriteAsync(lines.GetBuffer().AsMemory(0, (int)lines.Length), cancellation);
            _file.Flush(flushToDisk: true);
            return ShipResult.Taken;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new ShipResult(ShipStatus.Away, fault.Message);
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private void Roll(ShipBatch batch)
    {
        bool isOver = _file is not null
            && (_file.Length >= terms.BytesMax || clock.GetUtcNow() - _begunAt >= terms.Every);
        if (isOver) Close();
        if (_file is not null) return;
        string name = batch.Log.Name + "." + batch.Entries[0].Index.ToString("D20", CultureInfo.InvariantCulture);
        _file = Open(Path.Combine(terms.Folder, name + Ending), FileMode.Create);
        _first = batch.Entries[0].Index;
        _begunAt = clock.GetUtcNow();
    }

    private ShipOpening Resume(LogIdentity log)
    {
        string[] files = [.. Directory.EnumerateFiles(terms.Folder, log.Name + ".*" + Ending).Order(
            StringComparer.Ordinal)];
        for (int at = files.Length - 1; at >= 0; at--)
        {
            FileStream file = Open(files[at], FileMode.Open);
            (long end, string last) = LastLine(file);
            if (end == 0)
            {
                // Begun and not one line of it whole.
                file.Dispose();
                File.Delete(files[at]);
                continue;
            }

            if (end < file.Length) file.SetLength(end);
            file.Flush(flushToDisk: true);
            file.Seek(0, SeekOrigin.End);
            if (!TryPlace(last, out long index, out byte[] leaf))
            {
                file.Dispose();
                return new(ShipStatus.Refused, $"the last line of {Path.GetFileName(files[at])} is not one of ours");
            }

            _file = file;
            _first = FirstIn(files[at]);
            _begunAt = File.GetCreationTimeUtc(files[at]);
            return new(ShipStatus.Taken, Next: index + 1, Leaf: leaf);
        }

        // Files may be taken elsewhere: then only the cursor knows.
        return new(ShipStatus.Taken);
    }

    // As the name says: <log>.<first entry>.ndjson.
    private static long FirstIn(string path) => long.TryParse(
        Path.GetFileNameWithoutExtension(path).Split('.')[^1], NumberStyles.None, CultureInfo.InvariantCulture,
        out long first)
        ? first
        : 0;

    // The last line that ends, and where it ends.
    private static (long End, string Text) LastLine(FileStream file)
    {
        int count = (int)Math.Min(file.Length, 2 * LineBytesMax);
        byte[] tail = new byte[count];
        file.Seek(-count, SeekOrigin.End);
        file.ReadExactly(tail);
        int end = tail.AsSpan().LastIndexOf((byte)'\n') + 1;
        if (end == 0) return (0, "");
        int begin = tail.AsSpan(0, end - 1).LastIndexOf((byte)'\n') + 1;
        return (file.Length - count + end, Encoding.UTF8.GetString(tail.AsSpan(begin, end - begin)));
    }

    private static bool TryPlace(string line, out long index, out byte[] leaf)
    {
        (index, leaf) = (-1, []);
        try
        {
            using JsonDocument told = JsonDocument.Parse(line);
            index = told.RootElement.GetProperty("index").GetInt64();
            leaf = told.RootElement.GetProperty("leaf").GetBytesFromBase64();
            return true;
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException)
        {
            return false;
        }
    }

    private static void Append(MemoryStream lines, ShippedEntry entry)
    {
        lines.Write(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"index\":{entry.Index},\"leaf\":\"{Convert.ToBase64String(entry.Leaf)}\"")));
        ReadOnlySpan<byte> record = entry.Record.Span;
        if (record.Length > 2 && record[0] == (byte)'{' && !record.ContainsAny((byte)'\n', (byte)'\r'))
        {
            lines.Write(","u8);
            lines.Write(record[1..]);
        }
        else
        {
            lines.Write(Encoding.ASCII.GetBytes(",\"raw\":\"" + Convert.ToBase64String(record) + "\"}"));
        }

        lines.Write("\n"u8);
    }

    private static FileStream Open(string path, FileMode mode)
    {
        FileStreamOptions options = new() { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows() && mode == FileMode.Create)
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        return new FileStream(path, options);
    }

    private void Close()
    {
        _file?.Dispose();
        _file = null;
    }
}
