using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Countersign.DataPlane.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Sockets;

/// <summary>The epoll transport against plain sockets of the framework.</summary>
public sealed class EpollTransportTests
{
    public static bool IsMissing => !Epoll.IsSupported;

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task Bytes_arrive_whole_and_in_order_both_ways()
    {
        // Proves it with a body far beyond every buffer, echoed by the peer while it is still being sent.
        await using EpollPair pair = await EpollPair.OpenAsync();
        byte[] sent = Pattern(8 * 1024 * 1024);
        Task echoing = EchoAsync(pair.Peer);
        Task sending = SendAsync(pair.Connection.Transport.Output, sent);
        byte[] received = await ReadAsync(pair.Connection.Transport.Input, sent.Length);
        await sending.WaitAsync(EpollPair.Limit());
        Assert.True(sent.AsSpan().SequenceEqual(received));
        pair.Peer.Shutdown(SocketShutdown.Both);
        await echoing.WaitAsync(EpollPair.Limit());
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task What_is_not_consumed_is_read_again_with_what_follows()
    {
        // Proves the pipe's contract: a byte at a time, examined and not consumed, adds up until it is consumed.
        await using EpollPair pair = await EpollPair.OpenAsync();
        PipeReader input = pair.Connection.Transport.Input;
        for (int count = 1; count <= 6_000; count += 1_000)
        {
            await pair.Peer.SendAsync(new byte[count == 1 ? 1 : 1_000]);
            ReadResult result;
            do
            {
                result = await input.ReadAsync(EpollPair.Limit());
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
            while (result.Buffer.Length < count);

            Assert.Equal(count, result.Buffer.Length);
        }

        await pair.Peer.SendAsync(new byte[1]);
        ReadResult all = await input.ReadAsync(EpollPair.Limit());
        input.AdvanceTo(all.Buffer.GetPosition(5_000));
        Assert.True(input.TryRead(out ReadResult rest));
        Assert.Equal(all.Buffer.Length - 5_000, rest.Buffer.Length);
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task Who_has_connected_when_the_listener_closes_is_accepted()
    {
        // Proves that a restart resets nobody in the kernel's queue: the listener closes when that is empty.
        using EpollTransport transport = new(new LoopClock(TimeProvider.System), NullLogger.Instance, usesRing: false);
        IConnectionListener listener = await transport.BindAsync(
            new IPEndPoint(IPAddress.Loopback, 0), EpollPair.Limit());
        Socket[] peers = [.. Enumerable.Range(0, 5).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp))];
        foreach (Socket peer in peers) await peer.ConnectAsync(listener.EndPoint, EpollPair.Limit());
        Task unbinding = listener.UnbindAsync(EpollPair.Limit()).AsTask();
        foreach (Socket _ in peers)
        {
            ConnectionContext? accepted = await listener.AcceptAsync(EpollPair.Limit());
            Assert.NotNull(accepted);
            await accepted.DisposeAsync();
        }

        await unbinding.WaitAsync(EpollPair.Limit());
        Assert.Null(await listener.AcceptAsync(EpollPair.Limit()));
        foreach (Socket peer in peers) peer.Dispose();
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task The_end_of_the_peers_bytes_is_told_and_answers_still_leave()
    {
        // Proves half-close: the peer sends, ends its side, and gets what is written afterwards.
        await using EpollPair pair = await EpollPair.OpenAsync();
        await pair.Peer.SendAsync("ask"u8.ToArray());
        pair.Peer.Shutdown(SocketShutdown.Send);
        byte[] asked = await ReadAsync(pair.Connection.Transport.Input, 3);
        Assert.Equal("ask"u8, asked);
        ReadResult end = await pair.Connection.Transport.Input.ReadAsync(EpollPair.Limit());
        Assert.True(end.IsCompleted && end.Buffer.IsEmpty);
        FlushResult flushed = await pair.Connection.Transport.Output.WriteAsync(
            "answer"u8.ToArray(), EpollPair.Limit());
        Assert.False(flushed.IsCompleted);
        byte[] answer = new byte[16];
        Assert.Equal(6, await pair.Peer.ReceiveAsync(answer, EpollPair.Limit()));
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task A_reset_ends_a_waiting_read_with_an_error()
    {
        // Proves that a peer that resets is told from one that ends, and that the connection's token is cancelled.
        await using EpollPair pair = await EpollPair.OpenAsync();
        CancellationToken closed = pair.Connection.ConnectionClosed;
        Task<ReadResult> reading = pair.Connection.Transport.Input.ReadAsync(EpollPair.Limit()).AsTask();
        pair.Peer.LingerState = new LingerOption(enable: true, seconds: 0);
        pair.Peer.Close();
        await Assert.ThrowsAsync<ConnectionResetException>(() => reading);
        TaskCompletionSource told = new();
        await using CancellationTokenRegistration registration = closed.Register(told.SetResult);
        await told.Task.WaitAsync(EpollPair.Limit());
        FlushResult flushed = await pair.Connection.Transport.Output.WriteAsync(new byte[10], EpollPair.Limit());
        Assert.True(flushed.IsCompleted);
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task Abort_resets_and_disposing_ends()
    {
        // Proves that what was aborted reaches the peer as an error, and what was disposed of as an end.
        await using EpollPair aborted = await EpollPair.OpenAsync();
        aborted.Connection.Abort(new ConnectionAbortedException());
        await aborted.Connection.DisposeAsync();
        SocketException reset = await Assert.ThrowsAsync<SocketException>(
            async () => await aborted.Peer.ReceiveAsync(new byte[1], EpollPair.Limit()));
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);

        await using EpollPair disposed = await EpollPair.OpenAsync();
        await disposed.Connection.DisposeAsync();
        Assert.Equal(0, await disposed.Peer.ReceiveAsync(new byte[1], EpollPair.Limit()));
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task A_waiting_read_and_a_waiting_flush_can_be_cancelled()
    {
        // Proves both cancellations from another thread, and that neither loses a byte.
        await using EpollPair pair = await EpollPair.OpenAsync();
        IDuplexPipe pipes = pair.Connection.Transport;
        Task<ReadResult> reading = pipes.Input.ReadAsync(EpollPair.Limit()).AsTask();
        pipes.Input.CancelPendingRead();
        Assert.True((await reading).IsCanceled);
        await pair.Peer.SendAsync(new byte[3]);
        Assert.Equal(3, (await pipes.Input.ReadAsync(EpollPair.Limit())).Buffer.Length);

        byte[] sent = Pattern(16 * 1024 * 1024);
        pipes.Output.Write(sent);
        Task<FlushResult> flushing = pipes.Output.FlushAsync(EpollPair.Limit()).AsTask();
        pipes.Output.CancelPendingFlush();
        Assert.True((await flushing).IsCanceled);
        Assert.InRange(pipes.Output.UnflushedBytes, 1, sent.Length);
        Task<byte[]> receiving = ReceiveAsync(pair.Peer, sent.Length);
        Assert.False((await pipes.Output.FlushAsync(EpollPair.Limit())).IsCanceled);
        byte[] received = await receiving;
        Assert.True(sent.AsSpan().SequenceEqual(received));
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task A_cancelled_token_ends_a_read_as_such()
    {
        // Proves that a token given to a read throws, and that the next read goes on.
        await using EpollPair pair = await EpollPair.OpenAsync();
        using CancellationTokenSource source = new();
        Task<ReadResult> reading = pair.Connection.Transport.Input.ReadAsync(source.Token).AsTask();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await pair.Peer.SendAsync(new byte[2]);
        Assert.Equal(2, (await pair.Connection.Transport.Input.ReadAsync(EpollPair.Limit())).Buffer.Length);
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task A_port_nobody_listens_on_and_one_that_never_answers_are_told()
    {
        // Proves that dialing says why it failed, and stops when its time is up.
        using EpollTransport transport = new(new LoopClock(TimeProvider.System), NullLogger.Instance, usesRing: false);
        using Socket closed = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        SocketException refused = await Assert.ThrowsAsync<SocketException>(
            async () => await transport.ConnectAsync(closed.LocalEndPoint!, EpollPair.Limit()));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);

        // A backlog of one that is full: the kernel drops further attempts to connect.
        closed.Listen(0);
        List<EpollConnection> waiting = [];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (true)
            {
                using CancellationTokenSource timer = new(TimeSpan.FromMilliseconds(300));
                waiting.Add(await transport.ConnectAsync(closed.LocalEndPoint!, timer.Token));
            }
        });
        foreach (EpollConnection connection in waiting) await connection.DisposeAsync();
    }

    [Theory(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_connections_at_once_each_get_their_own_bytes(bool usesRing)
    {
        // Proves that slots and descriptors that are used again never mix connections up: 40 rounds of 50 at once.
        EpollTransport transport = new(new LoopClock(TimeProvider.System), NullLogger.Instance, usesRing);
        IConnectionListener listener = await transport.BindAsync(
            new IPEndPoint(IPAddress.Loopback, 0), EpollPair.Limit());
        Task serving = ServeEchoAsync(listener);
        for (int round = 0; round < 40; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 50).Select(async number =>
            {
                EpollConnection client = await transport.ConnectAsync(listener.EndPoint, EpollPair.Limit());
                byte[] sent = Pattern(100 + (number * 131), number);
                await client.Output.WriteAsync(sent, EpollPair.Limit());
                byte[] received = await ReadAsync(client.Input, sent.Length);
                Assert.True(sent.AsSpan().SequenceEqual(received));
                await client.DisposeAsync();
            }));
        }

        await listener.UnbindAsync(EpollPair.Limit());
        await serving.WaitAsync(EpollPair.Limit());
        transport.Dispose();
    }

    [Fact(SkipWhen = nameof(IsMissing), Skip = "no epoll on this machine")]
    public async Task What_comes_after_the_loops_ended_touches_no_descriptor()
    {
        // Proves that a cancellation that comes late, and a connection that would be new, find the loop's end: files
        // opened meanwhile, which get the numbers of the loop's own descriptors, stay empty.
        EpollPair pair = await EpollPair.OpenAsync();
        await pair.DisposeAsync();
        List<FileStream> files = [];
        for (int file = 0; file < 64; file++)
        {
            files.Add(new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.Write, FileShare.None, 1,
                FileOptions.DeleteOnClose));
        }

        pair.Connection.Transport.Input.CancelPendingRead();
        pair.Connection.Transport.Output.CancelPendingFlush();
        Assert.All(files, file => Assert.Equal(0, file.Length));
        foreach (FileStream file in files) await file.DisposeAsync();
    }

    private static async Task ServeEchoAsync(IConnectionListener listener)
    {
        while (await listener.AcceptAsync() is { } connection) _ = EchoAsync(connection);
    }

    private static async Task EchoAsync(ConnectionContext connection)
    {
        while (true)
        {
            ReadResult result = await connection.Transport.Input.ReadAsync();
            foreach (ReadOnlyMemory<byte> run in result.Buffer) connection.Transport.Output.Write(run.Span);
            connection.Transport.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) break;
            await connection.Transport.Output.FlushAsync();
        }

        await connection.DisposeAsync();
    }

    private static async Task EchoAsync(Socket peer)
    {
        byte[] buffer = new byte[50_000];
        int count;
        while ((count = await peer.ReceiveAsync(buffer)) > 0) await peer.SendAsync(buffer.AsMemory(0, count));
    }

    private static async Task SendAsync(PipeWriter output, byte[] bytes)
    {
        for (int at = 0; at < bytes.Length; at += 30_000)
        {
            await output.WriteAsync(bytes.AsMemory(at, Math.Min(30_000, bytes.Length - at)), EpollPair.Limit());
        }
    }

    private static async Task<byte[]> ReadAsync(PipeReader input, int count)
    {
        ArrayBufferWriter<byte> received = new();
        while (received.WrittenCount < count)
        {
            ReadResult result = await input.ReadAsync(EpollPair.Limit());
            foreach (ReadOnlyMemory<byte> run in result.Buffer) received.Write(run.Span);
            input.AdvanceTo(result.Buffer.End);
            Assert.False(result.IsCompleted && received.WrittenCount < count);
        }

        return received.WrittenSpan.ToArray();
    }

    private static async Task<byte[]> ReceiveAsync(Socket peer, int count)
    {
        byte[] received = new byte[count];
        for (int at = 0; at < count;) at += await peer.ReceiveAsync(received.AsMemory(at), EpollPair.Limit());
        return received;
    }

    private static byte[] Pattern(int count, int seed = 1)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count; at++) bytes[at] = (byte)((at * 31) + (at >> 8) + seed);
        return bytes;
    }
}
