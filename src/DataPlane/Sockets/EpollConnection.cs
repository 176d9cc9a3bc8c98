using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Countersign.DataPlane.Sockets;

/// <summary>
/// One socket on an event loop. What only some connections need (features, items, an id, a token for its end) is made
/// when first asked for, so that ten thousand idle ones stay small.
/// </summary>
internal sealed class EpollConnection : ConnectionContext, IDuplexPipe
{
    private readonly Socket _socket;
    private readonly EpollReader _reader;
    private readonly EpollWriter _writer;
    private int _slot = -1;
    private int _isClosed;
    private volatile bool _isHungUp;
    private volatile bool _isAborted;
    private IFeatureCollection? _features;
    private IDictionary<object, object?>? _items;
    private string? _id;
    private CancellationTokenSource? _closed;

    /// <summary>Takes over a socket; <see cref="Open"/> has it watched.</summary>
    /// <param name="loop">Where it is served.</param>
    /// <param name="socket">The socket; with <see cref="Socket.Blocking"/> off where it is to be connected.</param>
    /// <param name="remote">Whose it is.</param>
    /// <param name="stepBytes">How much is received at first; what fills it grows it.</param>
    internal EpollConnection(EpollLoop loop, Socket socket, EndPoint? remote, int stepBytes)
    {
        Loop = loop;
        _socket = socket;
        Descriptor = (int)socket.Handle;
        RemoteEndPoint = remote;
        _reader = new EpollReader(this, stepBytes);
        _writer = new EpollWriter(this);
    }

    /// <summary>Where it is served.</summary>
    internal EpollLoop Loop { get; }

    /// <summary>The kernel's number of it.</summary>
    internal int Descriptor { get; }

    /// <summary>The peer sends no more, or the connection broke: reading tells which.</summary>
    internal bool IsHungUp => _isHungUp;

    /// <inheritdoc/>
    public override IDuplexPipe Transport
    {
        get => this;
        set => throw new NotSupportedException("The pipes are the socket.");
    }

    /// <inheritdoc/>
    public PipeReader Input => _reader;

    /// <inheritdoc/>
    public PipeWriter Output => _writer;

    /// <inheritdoc/>
    public override string ConnectionId
    {
        get => _id ??= Guid.NewGuid().ToString("N");
        set => _id = value;
    }

    /// <inheritdoc/>
    public override IFeatureCollection Features => _features ??= new FeatureCollection();

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get; set; }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint
    {
        get => _socket.LocalEndPoint;
        set => throw new NotSupportedException("The address is the socket's.");
    }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed
    {
        get => Closing().Token;
        set => throw new NotSupportedException("The kernel tells of the end.");
    }

    /// <summary>Has the loop watch the socket. Throws <see cref="IOException"/> where the kernel refuses.</summary>
    internal void Open() => _slot = Loop.Watch(this, Descriptor);

    /// <summary>Receives without waiting; 0 at the end, -1 with the error kept.</summary>
    [HotPath]
    internal int Receive(Span<byte> buffer) => Epoll.Receive(Descriptor, buffer);

    /// <summary>Sends without waiting; -1 with the error kept.</summary>
    [HotPath]
    internal int Send(ReadOnlySpan<byte> bytes) => Epoll.Send(Descriptor, bytes);

    /// <summary>Begins to connect; completes when the connection is open, or says why it is not.</summary>
    internal async ValueTask<SocketError> ConnectAsync(EndPoint endpoint)
    {
        SocketAddress address = endpoint.Serialize();
        int begun = Epoll.Connect(Descriptor, address.Buffer.Span[..address.Size]);
        int error = begun == 0 ? 0 : System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
        Open();
        if (begun == 0) return SocketError.Success;
        if (error != Epoll.InProgress) return SocketError.ConnectionRefused;
        FlushResult opened = await _writer.WaitAsync();
        if (opened.IsCanceled) return SocketError.TimedOut;
        return (SocketError)(int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
    }

    /// <summary>The loop has an event for it: what waited for that is added to its steps.</summary>
    [HotPath]
    internal void OnReady(uint events, Steps woken)
    {
        const uint Over = Epoll.Hup | Epoll.Err;
        if ((events & (Over | Epoll.ReadHup)) != 0) HangUp();
        if ((events & (Over | Epoll.ReadHup | Epoll.In)) != 0 && _reader.TryWake()) woken.Add(_reader);
        if ((events & (Over | Epoll.Out)) != 0 && _writer.TryWake()) woken.Add(_writer);
    }

    /// <summary>Resets the connection: the peer must not take what it has for whole.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        if (_isAborted) return;
        _isAborted = true;
        try
        {
            // Reset on close, and end whatever waits now.
            _socket.LingerState = new LingerOption(enable: true, seconds: 0);
            _socket.Shutdown(SocketShutdown.Receive);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }

        _reader.CancelPendingRead();
        _writer.CancelPendingFlush();
    }

    /// <summary>Sends no more: the peer sees the end, and what it still sends is received (RFC 9112 section 9.6).
    /// </summary>
    internal void EndSending()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            if (_slot >= 0) Loop.Forget(_slot);
            _reader.Complete();
            _writer.Complete();
            _socket.Dispose();
        }

        return base.DisposeAsync();
    }

    private void HangUp()
    {
        if (_isHungUp) return;
        _isHungUp = true;
        if (Volatile.Read(ref _closed) is { } closed) Tell(closed);
    }

    private CancellationTokenSource Closing()
    {
        if (_closed is { } made) return made;
        CancellationTokenSource created = new();

        // Nobody listens to it yet, so an end that is known already is told here and now.
        bool isOver = _isHungUp;
        if (isOver) created.Cancel();
        if (Interlocked.CompareExchange(ref _closed, created, null) is { } first) return first;
        if (!isOver && _isHungUp) Tell(created);
        return created;
    }

    // Whoever listens may do anything, so not on the loop's thread.
    private static void Tell(CancellationTokenSource closed) =>
        ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), closed, preferLocal: false);
}
