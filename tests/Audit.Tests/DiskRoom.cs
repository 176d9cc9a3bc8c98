using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit.Tests;

/// <summary>A disk of so many bytes, for everything in one folder; it may be made larger.</summary>
internal sealed class DiskRoom(string folder, long bytes) : IAuditStorage
{
    /// <summary>ENOSPC.</summary>
    internal const int NoSpace = 28;

    private readonly DiskStorage _disk = new();
    private readonly Lock _gate = new();
    private long _bytes = bytes;

    internal void Grow(long more)
    {
        lock (_gate) _bytes += more;
    }

    public SafeFileHandle Open(string path) => _disk.Open(path);

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        lock (_gate)
        {
            long more = offset + bytes.Length - RandomAccess.GetLength(file);
            int fits = more <= 0 ? bytes.Length : (int)Math.Max(0, bytes.Length - Math.Max(0, more - Free()));

            // What a full disk does: what has its place arrives, the rest does not.
            _disk.Write(file, bytes[..fits], offset);
            if (fits < bytes.Length) throw new IOException("No space left on device", NoSpace);
        }
    }

    // Its bytes are where they are; a test of how much fits need not wait for the real disk.
    public void Flush(SafeFileHandle file)
    {
    }

    public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

    public void FlushFolder(string folder)
    {
    }

    public void Rename(string path, string name) => File.Move(path, name);

    public void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (bytes.Length > Free()) throw new IOException("No space left on device", NoSpace);
            File.WriteAllBytes(path + ".next", bytes);
            File.Move(path + ".next", path, overwrite: true);
        }
    }

    private long Free()
    {
        long used = 0;
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            FileInfo found = new(file);
            if (found.Exists) used += found.Length;
        }

        return _bytes - used;
    }
}
