namespace Countersign.Audit;

/// <summary>Tells a full disk, which may have room again, from one that fails.</summary>
internal static class DiskFull
{
    // ENOSPC on every Unix, EDQUOT on Linux; ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL on Windows.
    private const int NoSpace = 28;
    private const int OverQuota = 122;
    private const int HandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    internal static bool Is(Exception failure) =>
        failure is IOException { HResult: NoSpace or OverQuota or HandleDiskFull or WindowsDiskFull };
}
