using System.Runtime.InteropServices;

namespace Countersign.DataPlane.Sockets;

/// <summary>What a ring is asked for, and where the kernel then has what: <c>struct io_uring_params</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct RingLayout
{
    /// <summary>How many results there is room for, a power of two.</summary>
    [FieldOffset(4)]
    internal int DoneCount;

    /// <summary>How the ring is to work.</summary>
    [FieldOffset(8)]
    internal uint Flags;

    /// <summary>Place of the count of steps ever added.</summary>
    [FieldOffset(44)]
    internal int SubmitTail;

    /// <summary>Where this process keeps the steps.</summary>
    [FieldOffset(72)]
    internal ulong StepsAddress;

    /// <summary>Place of the count of results ever read.</summary>
    [FieldOffset(80)]
    internal int DoneHead;

    /// <summary>Place of the count of results ever written.</summary>
    [FieldOffset(84)]
    internal int DoneTail;

    /// <summary>Place of the results.</summary>
    [FieldOffset(100)]
    internal int Done;

    /// <summary>Where this process keeps the counts and the results.</summary>
    [FieldOffset(112)]
    internal ulong QueuesAddress;
}

/// <summary>One thing to be done: <c>struct io_uring_sqe</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct RingStep
{
    /// <summary>What.</summary>
    [FieldOffset(0)]
    internal byte Code;

    /// <summary>With which socket.</summary>
    [FieldOffset(4)]
    internal int Descriptor;

    /// <summary>From or into which memory.</summary>
    [FieldOffset(16)]
    internal ulong Address;

    /// <summary>How many bytes of it.</summary>
    [FieldOffset(24)]
    internal uint Count;

    /// <summary>As of <c>send</c> and <c>recv</c>.</summary>
    [FieldOffset(28)]
    internal uint Flags;

    /// <summary>What its result is known by.</summary>
    [FieldOffset(32)]
    internal ulong Tag;
}

/// <summary>What a ring may be used for: <c>struct io_uring_restriction</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct RingRestriction
{
    private const ushort OfStep = 1;

    [FieldOffset(0)]
    private ushort _kind;

    [FieldOffset(2)]
    private byte _code;

    /// <summary>Allows one kind of step.</summary>
    internal static RingRestriction ToStep(byte code) => new() { _kind = OfStep, _code = code };
}
