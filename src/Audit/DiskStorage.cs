using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit;

/// <summary>The real disk.</summary>
internal sealed class DiskStorage : IAuditStorage
{
    private const string NextEnding = ".next";

    public SafeFileHandle Open(string path)
    {
        try
        {
            return OpenOrCreate(path);
        }
        catch (DirectoryNotFoundException)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return OpenOrCreate(path);
        }
    }

    public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) =>
        RandomAccess.Write(file, bytes, offset);

    public void Flush(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    public void Truncate(SafeFileHandle file, long length) => RandomAccess.SetLength(file, length);

    public void FlushFolder(string folder)
    {
        // A new name is durable only once its folder is; Windows journals names by itself.
        if (!OperatingSystem.IsWindows()) Native.FlushFolder(folder);
    }

    public void Rename(string path, string name)
    {
        File.Move(path, name, overwrite: true);
        FlushFolder(Path.GetDirectoryName(name)!);
    }

    public void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        string next = path + NextEnding;
        using (SafeFileHandle file = Open(next))
        {
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, bytes, 0);
            RandomAccess.FlushToDisk(file);
        }

        File.Move(next, path, overwrite: true);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    public long FreeBytes(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return 0;
        }
    }

    private static SafeFileHandle OpenOrCreate(string path) => File.OpenHandle(
        path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    // The framework opens no folders, so their fsync needs the C library.
    private static class Native
    {
        private const int ReadOnly = 0;
        private const int InvalidArgument = 22;

        internal static void FlushFolder(string folder)
        {
            int file = Open([.. Encoding.UTF8.GetBytes(folder), 0], ReadOnly);
            if (file < 0) throw new IOException("cannot open the folder: " + Marshal.GetLastPInvokeErrorMessage());
            int failed = Sync(file) == 0 ? 0 : Marshal.GetLastPInvokeError();
            _ = Close(file);

            // EINVAL: the file system has no fsync for folders, hence nothing to wait for.
            if (failed is not 0 and not InvalidArgument)
            {
                throw new IOException("cannot flush the folder: " + Marshal.GetPInvokeErrorMessage(failed));
            }
        }

        [DllImport("libc", EntryPoint = "open", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern int Open(byte[] path, int flags);

        [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern int Sync(int file);

        [DllImport("libc", EntryPoint = "close", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern int Close(int file);
    }
}
