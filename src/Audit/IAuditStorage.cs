using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>
/// Everything the writer asks of the disk, so that tests can fill it up or break it. Paths are absolute; every failure
/// is an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>, and faults the log.
/// </summary>
internal interface IAuditStorage
{
    /// <summary>Opens for writing, made if absent together with its folders. Others may read meanwhile.</summary>
    SafeFileHandle Open(string path);

    /// <summary>Writes all of it at that place.</summary>
    void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Returns once the file's bytes are on the disk.</summary>
    void Flush(SafeFileHandle file);

    /// <summary>Cuts the file.</summary>
    void Truncate(SafeFileHandle file, long length);

    /// <summary>Returns once the names in the folder are on the disk.</summary>
    void FlushFolder(string folder);

    /// <summary>Gives the file another name in the same folder, on disk when it returns; handles stay good.</summary>
    void Rename(string path, string name);

    /// <summary>
    /// Replaces the whole file in one step, on disk when it returns: readers see the old or the new one.
    /// </summary>
    void Replace(string path, ReadOnlySpan<byte> bytes);

    /// <summary>Bytes that the file system of a folder still has for anybody; 0 where that is not known.</summary>
    long FreeBytes(string folder) => 0;
}
