using System.Runtime.InteropServices;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// The few calls of the kernel that the framework does not offer without a thread hop: readiness by epoll, and sends
/// and receives that never wait. Linux only; all arguments are blittable, so nothing is marshalled.
/// </summary>
internal static class Epoll
{
    internal const uint In = 0x001, Out = 0x004, Err = 0x008, Hup = 0x010, ReadHup = 0x2000, EdgeTriggered = 1u << 31;
    internal const int Add = 1;
    internal const int Interrupted = 4, WouldBlock = 11, InProgress = 115;

    private const string Libc = "libc";
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800;
    private const int DontWait = 0x40, NoSignal = 0x4000;

    /// <summary>True where it can be used.</summary>
    internal static bool IsSupported =>
        OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    /// <summary>A new epoll instance, or -1.</summary>
    internal static int Create() => epoll_create1(CloseOnExec);

    /// <summary>A counter that wakes a loop when written to, or -1.</summary>
    internal static int CreateWake() => eventfd(0, CloseOnExec | NonBlocking);

    /// <summary>Adds to the counter. Watched edge-triggered, it need never be read.</summary>
    internal static void Wake(int wake)
    {
        ulong one = 1;
        _ = write(wake, ref one, sizeof(ulong));
    }

    /// <summary>Watches a descriptor, edge-triggered both ways; false with the error kept.</summary>
    internal static bool TryWatch(int epoll, int descriptor, uint events, ulong token) => RuntimeInformation
        .ProcessArchitecture == Architecture.X64
        ? TryWatchPacked(epoll, descriptor, events, token)
        : TryWatchPadded(epoll, descriptor, events, token);

    /// <summary>Waits for events, or only looks for them; -1 with the error kept.</summary>
    internal static int Wait(int epoll, EpollEvents events, bool waits) => RuntimeInformation
        .ProcessArchitecture == Architecture.X64
        ? epoll_wait(epoll, ref events.FirstPacked, events.Capacity, waits ? -1 : 0)
        : epoll_wait(epoll, ref events.FirstPadded, events.Capacity, waits ? -1 : 0);

    /// <summary>Takes what has arrived; 0 at the end, -1 with the error kept.</summary>
    [HotPath]
    internal static int Receive(int descriptor, Span<byte> buffer) =>
        (int)recv(descriptor, ref buffer[0], buffer.Length, DontWait);

    /// <summary>Gives what the kernel will take; -1 with the error kept.</summary>
    [HotPath]
    internal static int Send(int descriptor, ReadOnlySpan<byte> buffer) =>
        (int)send(descriptor, in buffer[0], buffer.Length, DontWait | NoSignal);

    /// <summary>Begins to connect; -1 with the error kept.</summary>
    internal static int Connect(int descriptor, ReadOnlySpan<byte> address) =>
        connect(descriptor, in address[0], address.Length);

    /// <summary>Closes a descriptor that no socket object owns.</summary>
    internal static void Close(int descriptor) => _ = close(descriptor);

    private static bool TryWatchPacked(int epoll, int descriptor, uint events, ulong token)
    {
        PackedEvent watched = new() { Events = events, Token = token };
        return epoll_ctl(epoll, Add, descriptor, ref watched) == 0;
    }

    private static bool TryWatchPadded(int epoll, int descriptor, uint events, ulong token)
    {
        PaddedEvent watched = new() { Events = events, Token = token };
        return epoll_ctl(epoll, Add, descriptor, ref watched) == 0;
    }

#pragma warning disable SYSLIB1054 // The generated marshalling would need raw pointers; blittable arguments need none.
#pragma warning disable CA5392     // The C library is the process's own, not a file that could be planted.
    [DllImport(Libc)]
    private static extern int epoll_create1(int flags);

    [DllImport(Libc)]
    private static extern int eventfd(uint initial, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int epoll_ctl(int epoll, int operation, int descriptor, ref PackedEvent watched);

    [DllImport(Libc, SetLastError = true)]
    private static extern int epoll_ctl(int epoll, int operation, int descriptor, ref PaddedEvent watched);

    [DllImport(Libc, SetLastError = true)]
    private static extern int epoll_wait(int epoll, ref PackedEvent events, int count, int timeout);

    [DllImport(Libc, SetLastError = true)]
    private static extern int epoll_wait(int epoll, ref PaddedEvent events, int count, int timeout);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint recv(int descriptor, ref byte buffer, nint count, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint send(int descriptor, in byte buffer, nint count, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int connect(int descriptor, in byte address, int addressBytes);

    [DllImport(Libc)]
    private static extern nint write(int descriptor, ref ulong value, nint count);

    [DllImport(Libc)]
    private static extern int close(int descriptor);
#pragma warning restore CA5392, SYSLIB1054

    /// <summary>The kernel's event where it is packed: x86-64.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    internal struct PackedEvent
    {
        internal uint Events;
        internal ulong Token;
    }

    /// <summary>The kernel's event where it is aligned: every other architecture.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PaddedEvent
    {
        internal uint Events;
        internal ulong Token;
    }
}

/// <summary>Room for one wait's events, in the layout of this machine's kernel.</summary>
internal sealed class EpollEvents(int capacity)
{
    private readonly Epoll.PackedEvent[] _packed = new Epoll.PackedEvent[capacity];
    private readonly Epoll.PaddedEvent[] _padded = new Epoll.PaddedEvent[capacity];

    /// <summary>The most events of one wait.</summary>
    internal int Capacity => capacity;

    /// <summary>Where the kernel writes on x86-64.</summary>
    internal ref Epoll.PackedEvent FirstPacked => ref _packed[0];

    /// <summary>Where the kernel writes elsewhere.</summary>
    internal ref Epoll.PaddedEvent FirstPadded => ref _padded[0];

    /// <summary>One event.</summary>
    internal (uint Events, ulong Token) At(int index) => RuntimeInformation.ProcessArchitecture == Architecture.X64
        ? (_packed[index].Events, _packed[index].Token)
        : (_padded[index].Events, _padded[index].Token);
}
