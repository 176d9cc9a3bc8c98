using System.Net.Sockets;
using Countersign.DataPlane.Sockets;
using Xunit;

namespace Countersign.Integration.Tests.Sockets;

/// <summary>io_uring, asked as a loop asks it, against plain sockets of the framework.</summary>
public sealed class RingTests
{
    private const int ConnectionReset = 104, BrokenPipe = 32, BadDescriptor = 9;

    public static bool IsMissing => !Ring.IsSupported;

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no io_uring for this process")]
    public async Task What_is_asked_for_together_is_answered_in_order()
    {
        // Proves that as many as a submission takes each get their own bytes, again and again past the ring's end, and
        // that none waits: every third has nothing to give.
        List<EpollPair> pairs = [];
        for (int number = 0; number < Ring.StepsMax; number++) pairs.Add(await EpollPair.OpenAsync());
        byte[][] buffers = [.. pairs.Select(_ => Pinned(100))];
        int[] results = new int[Ring.StepsMax];
        using Ring ring = Ring.TryOpen()!; // the current thread's alone
        for (int round = 1; round <= 5; round++)
        {
            for (int index = 0; index < pairs.Count; index++)
            {
                buffers[index].AsSpan().Fill((byte)(index + round));
                if (index % 3 != 0) ring.Send(Descriptor(pairs[index].Peer), buffers[index], 10, index + 1);
            }

            ring.Submit(results);
            int[] sizes =
                [.. Enumerable.Range(0, pairs.Count).Where(index => index % 3 != 0).Select(index => index + 1)];
            Assert.Equal(sizes, results[..sizes.Length]);
            for (int index = 0; index < pairs.Count; index++)
            {
                buffers[index].AsSpan().Clear();
                ring.Receive(((EpollConnection)pairs[index].Connection).Descriptor, buffers[index], 5, 80);
            }

            Assert.Equal(Ring.StepsMax, ring.Count);
            ring.Submit(results);
            Assert.Equal(0, ring.Count);
            for (int index = 0; index < pairs.Count; index++)
            {
                int count = index % 3 == 0 ? 0 : index + 1;
                Assert.Equal(count == 0 ? -Epoll.WouldBlock : count, results[index]);
                Assert.True(buffers[index].AsSpan(5, count).IndexOfAnyExcept((byte)(index + round)) < 0);
                Assert.True(buffers[index].AsSpan(5 + count).IndexOfAnyExcept((byte)0) < 0);
            }
        }

        foreach (EpollPair pair in pairs) await pair.DisposeAsync();
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no io_uring for this process")]
    public async Task Ends_and_errors_are_told_of_each_by_itself()
    {
        // Proves an end, a reset, a send to nobody and a descriptor that is none, beside one that is well.
        await using EpollPair ended = await EpollPair.OpenAsync();
        await using EpollPair reset = await EpollPair.OpenAsync();
        await using EpollPair well = await EpollPair.OpenAsync();
        ended.Peer.Shutdown(SocketShutdown.Send);
        reset.Peer.LingerState = new LingerOption(enable: true, seconds: 0);
        reset.Peer.Close();
        await well.Peer.SendAsync(new byte[7]);
        byte[] buffer = Pinned(100);
        int[] results = new int[5];
        using Ring ring = Ring.TryOpen()!;
        ring.Receive(((EpollConnection)ended.Connection).Descriptor, buffer, 0, 10);
        ring.Receive(((EpollConnection)reset.Connection).Descriptor, buffer, 10, 10);
        ring.Receive(int.MaxValue, buffer, 20, 10);
        ring.Receive(((EpollConnection)well.Connection).Descriptor, buffer, 30, 10);
        ring.Send(((EpollConnection)reset.Connection).Descriptor, buffer, 40, 10);
        Assert.Equal(5, ring.Count);
        ring.Submit(results);
        Assert.Equal([0, -ConnectionReset, -BadDescriptor, 7, -BrokenPipe], results);
        Assert.False(ring.IsBroken);
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no io_uring for this process")]
    public async Task A_submission_that_the_kernel_refuses_leaves_nothing_to_be_done_later()
    {
        // Proves that what the kernel would not take counts as not done, and the ring as broken: its descriptor is
        // closed here.
        await using EpollPair pair = await EpollPair.OpenAsync();
        Ring ring = Ring.TryOpen()!;
        ring.Dispose();
        int[] results = new int[2];
        ring.Send(Descriptor(pair.Peer), Pinned(10), 0, 10);
        ring.Send(Descriptor(pair.Peer), Pinned(10), 0, 10);
        ring.Submit(results);
        Assert.Equal([-Epoll.Interrupted, -Epoll.Interrupted], results);
        Assert.True(ring.IsBroken);
        Assert.Equal(0, ring.Count);
        Assert.Equal(0, pair.Peer.Available);
    }

    private static int Descriptor(Socket socket) => (int)socket.Handle;

    private static byte[] Pinned(int bytes) => GC.AllocateArray<byte>(bytes, pinned: true);
}
