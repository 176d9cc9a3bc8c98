using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit.Tests;

/// <summary>A log folder of its own for one test, gone afterwards.</summary>
internal sealed class LogFixture : IDisposable
{
    internal const string Origin = "countersign/test";

    internal string Folder { get; } = Directory.CreateTempSubdirectory("countersign-audit-").FullName;

    internal AuditLogOptions Options => new()
    {
        Folder = Folder,
        Origin = Origin,
        QueueRecordsMax = 32,
        KeySeed = Enumerable.Range(1, 32).Select(one => (byte)one).ToArray(),
    };

    /// <summary>Signs nothing but the empty tree until it is closed.</summary>
    internal AuditLogOptions NeverSigning => Options with { CheckpointEvery = TimeSpan.FromHours(1) };

    internal static byte[] Payload(long index) =>
        Encoding.UTF8.GetBytes("{\"n\":" + index.ToString(CultureInfo.InvariantCulture) + "}");

    internal static AuditLog Open(AuditLogOptions options, AuditOpenStatus expected = AuditOpenStatus.Opened)
    {
        AuditLogOpening opening = AuditLog.Open(options, TimeProvider.System);
        Assert.True(opening.Status == expected, opening.ToString());
        return opening.Log!;
    }

    internal static async Task<bool> AppendAsync(AuditLog log, byte[] payload)
    {
        AuditReservation slot;
        while (!log.TryReserve(out slot))
        {
            if (!log.IsHealthy) return false;
            await Task.Yield();
        }

        payload.CopyTo(slot.Intent.GetSpan(payload.Length));
        slot.Intent.Advance(payload.Length);
        bool committed = await log.CommitAsync(slot.Intent);
        log.Return(slot);
        return committed;
    }

    internal static async Task AppendAsync(AuditLog log, long from, long to)
    {
        for (long index = from; index < to; index++) Assert.True(await AppendAsync(log, Payload(index)));
    }

    /// <summary>A closed log with that many entries.</summary>
    internal async Task WriteAsync(long entries, AuditLogOptions? options = null)
    {
        await using AuditLog log = Open(options ?? Options);
        await AppendAsync(log, log.Size, entries);
    }

    /// <summary>
    /// As the folder would look if the machine stopped now; the newest segment without the room that was made in it,
    /// unless that is asked for.
    /// </summary>
    internal LogFixture Copy(bool withRoom = false)
    {
        LogFixture copy = new();
        foreach (string file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) == LogFolder.LockFile) continue;
            string target = Path.Combine(copy.Folder, Path.GetRelativePath(Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
            if (withRoom || Path.GetExtension(file) != ".seg") continue;
            byte[] bytes = File.ReadAllBytes(target);
            File.WriteAllBytes(target, bytes[..FrameOffsets(bytes)[^1]]);
        }

        return copy;
    }

    internal string PathOf(string name) => Path.Combine(Folder, name);

    internal string Segment(long first = 0) => LogFolder.Segment(Folder, first);

    internal AuditVerification Verify() => AuditVerifier.Verify(Folder);

    /// <summary>Where every frame of a segment begins, and after the last its end.</summary>
    internal static List<int> FrameOffsets(byte[] segment)
    {
        List<int> offsets = [0];
        while (offsets[^1] < segment.Length - 8 && BitConverter.ToUInt64(segment, offsets[^1]) != 0)
        {
            offsets.Add(offsets[^1] + 8 + (int)BitConverter.ToUInt32(segment, offsets[^1]));
        }

        return offsets;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>A disk that fills up or fails to flush when told.</summary>
internal sealed class FailingStorage : IAuditStorage
{
    private readonly DiskStorage _disk = new();

    internal volatile bool IsFull;
    internal volatile bool FailsToFlush;

    public SafeFileHandle Open(string path) => _disk.Open(path);

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        if (IsFull)
        {
            // What a full disk does: part of it arrives.
            _disk.Write(file, bytes[..(bytes.Length / 2)], offset);
            throw new IOException("No space left on device", DiskRoom.NoSpace);
        }

        _disk.Write(file, bytes, offset);
    }

    public void Flush(SafeFileHandle file)
    {
        if (FailsToFlush) throw new IOException("Input/output error");
        _disk.Flush(file);
    }

    public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

    public void FlushFolder(string folder) => _disk.FlushFolder(folder);

    public void Rename(string path, string name) => _disk.Rename(path, name);

    public void Replace(string path, ReadOnlySpan<byte> bytes) => _disk.Replace(path, bytes);
}
