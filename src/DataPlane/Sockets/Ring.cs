using System.Runtime.InteropServices;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// Receives and sends of many sockets by one call of the kernel: io_uring, allowed nothing else. None of them waits, so
/// all have ended when <see cref="Submit"/> returns, and nothing is ever under way in a buffer. Used by the thread that
/// opened it alone.
/// </summary>
internal sealed class Ring : IDisposable
{
    /// <summary>The most of one submission: a page of entries, since kernels before 6.10 take no more than a page of a
    /// process's own memory.</summary>
    internal const int StepsMax = 64;

    private const uint StartsDisabled = 1 << 6, SubmitsAll = 1 << 7, HasSingleIssuer = 1 << 12, IsOwnMemory = 1 << 14,
        HasNoArray = 1 << 16;
    private const byte SendCode = 26, ReceiveCode = 27;
    private const uint DontWait = 0x40, NoSignal = 0x4000;
    private const int StepBytes = 64, ResultBytes = 16;

    private readonly byte[] _memory;
    private readonly RingLayout _layout;
    private readonly int _descriptor;
    private readonly int _steps;      // where steps are written,
    private readonly int _queues;     // and where the kernel and this agree on how far they are
    private uint _tail;

    private Ring(byte[] memory, int steps, int queues, int descriptor, in RingLayout layout)
    {
        (_memory, _steps, _queues, _descriptor, _layout) = (memory, steps, queues, descriptor, layout);
    }

    /// <summary>True where the kernel has all of it, and lets this process use it: Linux 6.6 or later, unless
    /// <c>kernel.io_uring_disabled</c> or a seccomp filter says otherwise. Asked once.</summary>
    internal static bool IsSupported { get; } = IsThere();

    /// <summary>How many have been added since the last submission.</summary>
    internal int Count { get; private set; }

    /// <summary>True once the kernel has refused a submission: it would again.</summary>
    internal bool IsBroken { get; private set; }

    /// <summary>A ring of the current thread's; null where there can be none.</summary>
    internal static Ring? TryOpen()
    {
        int page = Environment.SystemPageSize;
        byte[] memory = GC.AllocateArray<byte>(page * 3, pinned: true);
        nint address = Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0);
        int steps = (int)((page - (address % page)) % page);
        RingLayout layout = new()
        {
            Flags = StartsDisabled | SubmitsAll | HasSingleIssuer | IsOwnMemory | HasNoArray,
            StepsAddress = (ulong)(address + steps),
            QueuesAddress = (ulong)(address + steps + page),
        };
        int descriptor = Kernel.SetUp(StepsMax, ref layout);
        if (descriptor < 0) return null;
        Ring ring = new(memory, steps, steps + page, descriptor, layout);
        Span<RingRestriction> allowed =
            [RingRestriction.ToStep(SendCode), RingRestriction.ToStep(ReceiveCode)];
        if (Kernel.Restrict(descriptor, allowed) == 0 && Kernel.Enable(descriptor) == 0) return ring;
        ring.Dispose();
        return null;
    }

    /// <summary>Adds a receive into a part of what the collector does not move.</summary>
    [HotPath]
    internal void Receive(int descriptor, byte[] pinned, int start, int count) =>
        Add(ReceiveCode, DontWait, descriptor, pinned, start, count);

    /// <summary>Adds a send of a part of what the collector does not move.</summary>
    [HotPath]
    internal void Send(int descriptor, byte[] pinned, int start, int count) =>
        Add(SendCode, DontWait | NoSignal, descriptor, pinned, start, count);

    /// <summary>
    /// Has the kernel do what was added. <paramref name="results"/> has for each, in the order of their adding, its
    /// count of bytes or its error, negative: <see cref="Epoll.Interrupted"/> for what was not done.
    /// </summary>
    [HotPath]
    internal void Submit(Span<int> results)
    {
        int count = Count;
        Count = 0;
        results[..count].Fill(-Epoll.Interrupted);
        Volatile.Write(ref At(_layout.SubmitTail), _tail);
        int left = count;
        while (left > 0 && !IsBroken)
        {
            int taken = Kernel.Enter(_descriptor, left, awaited: 0);
            if (taken > 0) left -= taken;
            else IsBroken = Marshal.GetLastPInvokeError() != Epoll.Interrupted;
        }

        // What the kernel did not take it must not find next time.
        _tail -= (uint)left;
        Volatile.Write(ref At(_layout.SubmitTail), _tail);
        Collect(results, count - left);
    }

    /// <inheritdoc/>
    public void Dispose() => Epoll.Close(_descriptor);

    private static bool IsThere()
    {
        if (!Epoll.IsSupported) return false;
        using Ring? ring = TryOpen();
        return ring is not null && Kernel.Enter(ring._descriptor, 0, awaited: 0) == 0;
    }

    // The buffers are the caller's again afterwards, so nothing that was taken is left behind: that each has ended
    // already is what the kernel does with steps that must not wait, and is not taken on trust.
    private void Collect(Span<int> results, int left)
    {
        ref uint head = ref At(_layout.DoneHead);
        uint next = head;
        while (true)
        {
            uint tail = Volatile.Read(ref At(_layout.DoneTail));
            for (; next != tail; next++, left--)
            {
                int at = _layout.Done + (int)(next & (uint)(_layout.DoneCount - 1)) * ResultBytes;
                ReadOnlySpan<byte> result = _memory.AsSpan(_queues + at, ResultBytes);
                results[MemoryMarshal.Read<int>(result)] = MemoryMarshal.Read<int>(result[8..]);
            }

            Volatile.Write(ref head, next);
            if (left == 0) return;
            _ = Kernel.Enter(_descriptor, 0, left);
        }
    }

    private void Add(byte code, uint flags, int descriptor, byte[] pinned, int start, int count)
    {
        int at = _steps + (int)(_tail % StepsMax) * StepBytes;
        RingStep step = new()
        {
            Code = code,
            Descriptor = descriptor,
            Address = (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, start),
            Count = (uint)count,
            Flags = flags,
            Tag = (uint)Count,
        };
        MemoryMarshal.Write(_memory.AsSpan(at, StepBytes), in step);
        _tail++;
        Count++;
    }

    private ref uint At(int place) => ref MemoryMarshal.AsRef<uint>(_memory.AsSpan(_queues + place, sizeof(uint)));

    // What the C library has no functions for; the numbers are the same on every architecture.
    private static class Kernel
    {
        private const long SetUpNumber = 425, EnterNumber = 426, RegisterNumber = 427;
        private const uint RestrictCode = 11, EnableCode = 12, Awaits = 1;

        internal static int SetUp(uint steps, ref RingLayout layout) => (int)syscall(SetUpNumber, steps, ref layout);

        internal static int Restrict(int descriptor, Span<RingRestriction> allowed) => (int)syscall(
            RegisterNumber, descriptor, RestrictCode, ref allowed[0], (uint)allowed.Length);

        internal static int Enable(int descriptor) => (int)syscall(RegisterNumber, descriptor, EnableCode, 0, 0, 0, 0);

        internal static int Enter(int descriptor, int steps, int awaited) => (int)syscall(
            EnterNumber, descriptor, (uint)steps, (uint)awaited, awaited > 0 ? Awaits : 0, 0, 0);

#pragma warning disable SYSLIB1054 // As in Epoll: blittable arguments need no generated marshalling.
#pragma warning disable CA5392     // The C library is the process's own, not a file that could be planted.
        [DllImport("libc", SetLastError = true)]
        private static extern nint syscall(long number, uint steps, ref RingLayout layout);

        [DllImport("libc", SetLastError = true)]
        private static extern nint syscall(
            long number, int descriptor, uint code, ref RingRestriction first, uint count);

        [DllImport("libc", SetLastError = true)]
        private static extern nint syscall(
            long number, int descriptor, uint first, uint second, uint third, nint fourth, nint fifth);
#pragma warning restore CA5392, SYSLIB1054
    }
}
