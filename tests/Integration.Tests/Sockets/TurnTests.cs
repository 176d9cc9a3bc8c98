using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Countersign.DataPlane.Sockets;
using Microsoft.AspNetCore.Connections;
using Xunit;

namespace Countersign.Integration.Tests.Sockets;

/// <summary>Turns of an event loop that are many sockets', with io_uring and without.</summary>
public sealed class TurnTests
{
    private const int Many = 100; // more than a turn takes, and than a submission

    public static bool IsMissing => !Epoll.IsSupported;

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_socket_of_a_turn_gets_its_own_bytes_and_sends_its_own(bool usesRing)
    {
        // Proves it with sizes below, at and above every buffer's, so that some go by themselves.
        await using LoopGroup group = await LoopGroup.OpenAsync(Many, usesRing);
        Task[] echoing = [.. group.Connections.Select(EchoAsync)];
        for (int round = 0; round < 3; round++)
        {
            await group.HoldAsync();
            byte[][] sent = [.. Enumerable.Range(0, Many).Select(number => Pattern(Size(number), number + round))];
            for (int number = 0; number < Many; number++) await group.Peers[number].SendAsync(sent[number]);
            group.LetGo();
            for (int number = 0; number < Many; number++)
            {
                byte[] received = await ReceiveAsync(group.Peers[number], sent[number].Length);
                Assert.True(sent[number].AsSpan().SequenceEqual(received), $"round {round}, socket {number}");
            }
        }

        foreach (Socket peer in group.Peers) peer.Shutdown(SocketShutdown.Send);
        await Task.WhenAll(echoing).WaitAsync(EpollPair.Limit());
        foreach (Socket peer in group.Peers) Assert.Equal(0, await peer.ReceiveAsync(new byte[1], EpollPair.Limit()));
    }

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_end_a_reset_and_a_cancellation_are_each_its_own_sockets(bool usesRing)
    {
        // Proves that within one turn one socket's read ends, one's fails, one's is cancelled with its bytes kept, and
        // the rest read on.
        await using LoopGroup group = await LoopGroup.OpenAsync(6, usesRing);
        Task<ReadResult>[] reading = [.. group.Connections.Select(connection => connection.Input.ReadAsync().AsTask())];
        await group.HoldAsync();
        group.Peers[0].Shutdown(SocketShutdown.Send);
        group.Peers[1].LingerState = new LingerOption(enable: true, seconds: 0);
        group.Peers[1].Close();
        for (int number = 2; number < 6; number++) await group.Peers[number].SendAsync(new byte[number]);
        group.Connections[2].Input.CancelPendingRead();
        group.LetGo();
        ReadResult ended = await reading[0];
        Assert.True(ended.IsCompleted && ended.Buffer.IsEmpty);
        await Assert.ThrowsAsync<ConnectionResetException>(() => reading[1]);
        Assert.True((await reading[2]).IsCanceled);
        for (int number = 3; number < 6; number++) Assert.Equal(number, (await reading[number]).Buffer.Length);
        Assert.Equal(2, (await group.Connections[2].Input.ReadAsync(EpollPair.Limit())).Buffer.Length);
    }

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_peer_that_takes_nothing_holds_back_its_own_flush_alone(bool usesRing)
    {
        // Proves that a flush of a turn is over only when the kernel has taken all of it, that the others' are over
        // meanwhile, and that its bytes keep their order.
        await using LoopGroup group = await LoopGroup.OpenAsync(4, usesRing);
        byte[] piece = Pattern(15_000, 7);
        Task<FlushResult> blocked;
        int pieces = 0;
        do
        {
            Task<FlushResult>[] flushes = [.. group.Connections.Select(other => AnswerAsync(other, piece))];
            await group.HoldAsync();
            foreach (Socket peer in group.Peers) await peer.SendAsync(new byte[1]);
            group.LetGo();
            for (int number = 1; number < 4; number++)
            {
                Assert.False((await flushes[number].WaitAsync(EpollPair.Limit())).IsCompleted);
                Assert.Equal(piece, await ReceiveAsync(group.Peers[number], piece.Length));
            }

            blocked = flushes[0];
            pieces++;
        }
        while (blocked.IsCompleted && pieces < 2_000);

        Assert.False(blocked.IsCompleted);
        for (int number = 0; number < pieces; number++)
            Assert.Equal(piece, await ReceiveAsync(group.Peers[0], piece.Length));
        Assert.False((await blocked.WaitAsync(EpollPair.Limit())).IsCompleted);
    }

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_that_ends_within_the_turn_takes_nothing_of_the_others(bool usesRing)
    {
        // Proves that what was received for a connection which another one's continuation then disposes of is dropped,
        // and reaches nobody else.
        await using LoopGroup group = await LoopGroup.OpenAsync(3, usesRing);
        PipeReader first = group.Connections[0].Input;
        Task ending = EndAsync(first, group.Connections[1]);
        ValueTask<ReadResult> dropped = group.Connections[1].Input.ReadAsync(CancellationToken.None);
        Task<ReadResult> last = group.Connections[2].Input.ReadAsync(CancellationToken.None).AsTask();
        await group.HoldAsync();
        for (int number = 0; number < 3; number++) await group.Peers[number].SendAsync(Pattern(300, number));
        group.LetGo();
        await ending.WaitAsync(EpollPair.Limit());
        Assert.Equal(Pattern(300, 2), (await last.WaitAsync(EpollPair.Limit())).Buffer.ToArray());
        Assert.False(dropped.IsCompleted);
    }

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_flush_of_a_connection_that_then_ends_says_so(bool usesRing)
    {
        // Proves that a flush which was to leave with the turn's others, of a connection that is disposed of before,
        // ends and does not claim that its bytes left.
        await using LoopGroup group = await LoopGroup.OpenAsync(2, usesRing);
        Task<FlushResult> flushing = AnswerAsync(group.Connections[0], new byte[10]);
        Task ending = EndAsync(group.Connections[1].Input, group.Connections[0]);
        await group.HoldAsync();
        foreach (Socket peer in group.Peers) await peer.SendAsync(new byte[1]);
        group.LetGo();
        await ending.WaitAsync(EpollPair.Limit());
        Assert.True((await flushing.WaitAsync(EpollPair.Limit())).IsCompleted);
    }

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reset_whose_read_was_cancelled_is_told_to_the_next_read(bool usesRing)
    {
        // Proves it of a cancellation by another socket's continuation in the turn that the reset came in: the kernel
        // tells of it once.
        await using LoopGroup group = await LoopGroup.OpenAsync(2, usesRing);
        PipeReader reset = group.Connections[1].Input;
        Task cancelling = CancelAsync(group.Connections[0].Input, reset);
        Task<ReadResult> reading = reset.ReadAsync(CancellationToken.None).AsTask();
        await group.HoldAsync();
        await group.Peers[0].SendAsync(new byte[1]);
        group.Peers[1].LingerState = new LingerOption(enable: true, seconds: 0);
        group.Peers[1].Close();
        group.LetGo();
        await cancelling.WaitAsync(EpollPair.Limit());
        Assert.True((await reading.WaitAsync(EpollPair.Limit())).IsCanceled);

        // The cancellation that was posted is over when the loop has been held again.
        await group.HoldAsync();
        group.LetGo();
        await Assert.ThrowsAsync<ConnectionResetException>(
            () => reset.ReadAsync(CancellationToken.None).AsTask().WaitAsync(EpollPair.Limit()));
    }

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_socket_that_has_read_in_many_turns_still_says_that_bytes_came(bool usesRing)
    {
        // Proves that who looks at an idle connection is told of bytes that nobody asked for, however often it has been
        // read in turns before: such a connection must not be lent to the next call.
        await using LoopGroup group = await LoopGroup.OpenAsync(2, usesRing);
        for (int round = 0; round < 20; round++)
        {
            Task<ReadResult>[] reading =
                [.. group.Connections.Select(one => one.Input.ReadAsync(CancellationToken.None).AsTask())];
            await group.HoldAsync();
            foreach (Socket peer in group.Peers) await peer.SendAsync(new byte[1]);
            group.LetGo();
            for (int number = 0; number < 2; number++)
            {
                ReadResult result = await reading[number].WaitAsync(EpollPair.Limit());
                group.Connections[number].Input.AdvanceTo(result.Buffer.End);
            }

            // The loop signals what is unasked before it is held again.
            foreach (Socket peer in group.Peers) await peer.SendAsync(new byte[1]);
            await group.HoldAsync();
            group.LetGo();
            foreach (EpollConnection connection in group.Connections)
            {
                Assert.True(connection.Input.TryRead(out ReadResult unasked), $"round {round}");
                connection.Input.AdvanceTo(unasked.Buffer.End);
            }
        }
    }

    private static int Size(int number) => (number % 8) switch
    {
        0 => 40_000,
        1 => 4_096,
        2 => 4_097,
        3 => 16_384,
        4 => 16_385,
        _ => 1 + (number * 37),
    };

    private static async Task EchoAsync(EpollConnection connection)
    {
        while (true)
        {
            ReadResult result = await connection.Input.ReadAsync().ConfigureAwait(false);
            foreach (ReadOnlyMemory<byte> run in result.Buffer) connection.Output.Write(run.Span);
            connection.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) break;
            await connection.Output.FlushAsync().ConfigureAwait(false);
        }

        await connection.DisposeAsync();
    }

    private static async Task<FlushResult> AnswerAsync(EpollConnection connection, byte[] answer)
    {
        ReadResult result = await connection.Input.ReadAsync().ConfigureAwait(false);
        connection.Input.AdvanceTo(result.Buffer.End);
        connection.Output.Write(answer);
        return await connection.Output.FlushAsync().ConfigureAwait(false);
    }

    private static async Task CancelAsync(PipeReader first, PipeReader other)
    {
        await first.ReadAsync().ConfigureAwait(false);
        other.CancelPendingRead();
    }

    private static async Task EndAsync(PipeReader input, EpollConnection other)
    {
        await input.ReadAsync().ConfigureAwait(false);
        await other.DisposeAsync();
    }

    private static async Task<byte[]> ReceiveAsync(Socket peer, int count)
    {
        byte[] received = new byte[count];
        for (int at = 0; at < count;) at += await peer.ReceiveAsync(received.AsMemory(at), EpollPair.Limit());
        return received;
    }

    private static byte[] Pattern(int count, int seed)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count; at++) bytes[at] = (byte)((at * 31) + (at >> 8) + seed);
        return bytes;
    }
}
