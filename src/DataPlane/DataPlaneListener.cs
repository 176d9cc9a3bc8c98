using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Countersign.DataPlane.Calls;
using Countersign.DataPlane.Sockets;
using Countersign.DataPlane.Tls;
using Countersign.DataPlane.Transport;
using Countersign.DataPlane.Upstream;
using Countersign.Masking.Content;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Countersign.DataPlane;

/// <summary>
/// The data listener: binds, accepts, serves, drains. The transport is behind <see cref="IConnectionListenerFactory"/>,
/// the one seam where another could take its place.
/// </summary>
public sealed partial class DataPlaneListener : IAsyncDisposable
{
    /// <summary>The name of the meter that everything here is measured on.</summary>
    public const string MeterName = "Countersign.DataPlane";

    // What Kestrel's transport holds of a body whose reader is slower: on each side so much.
    private const int PipeBytesMax = 65_536;

    private readonly DataPlaneOptions _options;
    private readonly DataPlaneServices _services;
    private readonly LoopClock _clock;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _log;
    private readonly List<IConnectionListener> _listeners = [];
    private readonly List<Task> _accepting = [];
    private EpollTransport? _epoll;
    private readonly Meter _meter = new(MeterName);
    private readonly Admission _admission;
    private SocketDialer? _dialer;
    private CallConnectionHandler? _handler;
    private FilePoll? _files;
    private readonly Settlements _settlements;
    private RunDesk? _runs;
    private bool _isStopped;

    /// <summary>Sets up a listener that is not bound yet.</summary>
    public DataPlaneListener(
        DataPlaneOptions options, DataPlaneServices services, TimeProvider clock, ILoggerFactory logs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(logs);
        _options = options;
        _services = services;
        _clock = new LoopClock(clock);
        _logs = logs;
        _log = logs.CreateLogger<DataPlaneListener>();
        _admission = new Admission(options.Limits, clock);
        _settlements = new Settlements(services.Approvals, clock, logs.CreateLogger<Settlements>());
    }

    /// <summary>True where <see cref="DataTransport.Epoll"/> can be used.</summary>
    public static bool SupportsEpoll => Epoll.IsSupported;

    /// <summary>True where <see cref="DataTransport.IoUring"/> can be used.</summary>
    public static bool SupportsIoUring => Ring.IsSupported;

    /// <summary>The addresses it is bound to, <c>http://127.0.0.1:8080</c>.</summary>
    public IReadOnlyList<string> Addresses { get; private set; } = [];

    /// <summary>Client connections open now.</summary>
    public int Connections => _handler?.Count ?? 0;

    /// <summary>What is in flight.</summary>
    internal Admission Admission => _admission;

    /// <summary>What stands in the audit's place where its cost is measured. Nothing that is configured sets it.
    /// </summary>
    internal IAuditTrail? AuditInPlace { get; init; }

    /// <summary>The upstream connections; null before the start.</summary>
    internal UpstreamPools? Pools { get; private set; }

    /// <summary>
    /// Binds and begins to accept. Throws <see cref="IOException"/> where an address cannot be bound, or a certificate
    /// cannot be used.
    /// </summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        ServerCertificates? certificates = _options.Tls is { } tls
            ? new ServerCertificates(tls, _clock, _logs.CreateLogger<ServerCertificates>())
            : null;
        if (UsesEpoll()) _epoll = new EpollTransport(_clock, _logs.CreateLogger<EpollTransport>(), UsesRing());
        IConnectionListenerFactory factory = _epoll is not null ? _epoll : CreateSockets();
        LogTransport(_log, _epoll is null ? "kestrel" : UsesRing() ? "io_uring" : "epoll");
        foreach (IPEndPoint endpoint in _options.Listen)
        {
            _listeners.Add(await BindAsync(factory, endpoint, cancellation));
        }

        Addresses = [.. _listeners.Select(listener => Scheme + listener.EndPoint)];
        string publicUrl = (_options.PublicUrl ?? Addresses[0]).TrimEnd('/');
        UpstreamTlsFront upstreamTls = new(_clock, _logs.CreateLogger<UpstreamTlsFront>());
        Action[] refreshes = certificates is null ? [upstreamTls.Refresh] : [certificates.Refresh, upstreamTls.Refresh];
        _files = new FilePoll(refreshes, _clock, _log);
        _dialer = new SocketDialer(_epoll, upstreamTls, _logs.CreateLogger<SocketDialer>());
        UpstreamPools pools = Pools = OpenPools(_dialer);
        CallerGate callers = new(_services.Callers, _services.Proofs);
        CallPipeline pipeline = Compose(publicUrl, pools, callers);
        DataServices services = new(pipeline, _options.Limits, _clock, publicUrl)
        {
            TrustedProxies = _options.TrustedProxies,
            Certificates = _services.Certificates,
            Metrics = new CallMetrics(_meter),
        };
        Action beat = pools.Beat;
        _handler = new CallConnectionHandler(services, beat + callers.Beat, _log, EntranceFor(certificates));
        _meter.CreateObservableGauge(
            "countersign.client.connections", () => Connections, description: "Connections of callers open now.");
        _meter.CreateObservableGauge(
            "countersign.calls.held", () => _admission.Parked, description: "Calls held open for an approval.");
        _settlements.Start();
        _runs = new RunDesk(services, _services.Approvals, _services.Seal, _logs.CreateLogger<RunDesk>());
        _runs.Start();
        if (_services.LentCalls is { } lent)
            await lent.ServeAsync(_services.Start, call => _handler.HasLent(call) || _runs?.HasLent(call) == true);
        foreach (IConnectionListener listener in _listeners) _accepting.Add(AcceptAsync(listener));
    }

    /// <summary>
    /// Reads the TLS files again now, if they changed; they are looked at every few seconds anyway. Connections keep
    /// what they began with. Files that cannot be used are logged, and the old ones stay.
    /// </summary>
    public void ReloadTls() => _files?.Refresh();

    /// <summary>
    /// Stops accepting, ends idle connections, lets calls in flight finish and held ones answer, and cuts what is left
    /// after the drain limit. Returns when the last byte was taken: what was accepted has been answered.
    /// </summary>
    public async Task StopAsync()
    {
        foreach (IConnectionListener listener in _listeners) await listener.UnbindAsync();
        await Task.WhenAll(_accepting);
        if (_handler is not null && !await _handler.DrainAsync(_options.Limits.DrainWithin))
        {
            LogUndrained(_log, _handler.Count);
        }

        foreach (IConnectionListener listener in _listeners) await listener.DisposeAsync();
        _listeners.Clear();
        if (_runs is not null) await _runs.DisposeAsync();
        _runs = null;
        if (!_isStopped) await _settlements.DisposeAsync();
        _isStopped = true;
        _files?.Dispose();
        _handler?.Dispose();
        _dialer?.Dispose();
        _epoll?.Dispose();
        _meter.Dispose();
    }

    /// <summary>Stops.</summary>
    public async ValueTask DisposeAsync() => await StopAsync();

    private string Scheme => _options.Tls is null ? "http://" : "https://";

    private bool UsesEpoll() => _options.Transport is DataTransport.Epoll or DataTransport.IoUring
        || (_options.Transport == DataTransport.Sockets && SupportsEpoll);

    private bool UsesRing() => _options.Transport == DataTransport.IoUring
        || (_options.Transport == DataTransport.Sockets && SupportsIoUring);

    private SocketTransportFactory CreateSockets() => new(
        Options.Create(new SocketTransportOptions
        {
            UnsafePreferInlineScheduling = true, Backlog = 4_096, MaxReadBufferSize = PipeBytesMax,
            MaxWriteBufferSize = PipeBytesMax,
        }),
        _logs);

    private Entrance? EntranceFor(ServerCertificates? certificates)
    {
        if (certificates is null && _options.ProxyProtocol is null) return null;
        ProxyFront? proxy = _options.ProxyProtocol is { } spoken
            ? new ProxyFront(spoken, _logs.CreateLogger<ProxyFront>())
            : null;
        TlsFront? tls = certificates is null
            ? null
            : new TlsFront(_options.Tls!, certificates, _options.Limits, _clock, _logs.CreateLogger<TlsFront>());
        return new Entrance(proxy, tls, _options.Limits, _clock);
    }

    private async ValueTask<IConnectionListener> BindAsync(
        IConnectionListenerFactory factory, IPEndPoint endpoint, CancellationToken cancellation)
    {
        try
        {
            return await factory.BindAsync(endpoint, cancellation);
        }
        catch (Exception fault) when (fault is AddressInUseException or SocketException)
        {
            throw new IOException($"Failed to bind to address {Scheme}{endpoint}: {fault.Message}", fault);
        }
    }

    private UpstreamPools OpenPools(SocketDialer dialer)
    {
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(seed);
        UpstreamMetrics metrics = new();
        UpstreamPools pools = new(
            new UpstreamParts(
                dialer, new SystemResolver(_clock), _options.Limits, _clock,
                new Chance(BinaryPrimitives.ReadUInt64LittleEndian(seed)), metrics,
                _logs.CreateLogger<UpstreamPools>()),
            _services.InForce);
        metrics.ShowOn(_meter, pools);
        return pools;
    }

    private CallPipeline Compose(string publicUrl, UpstreamPools pools, CallerGate callers)
    {
        Limits limits = _options.Limits;
        MaskDesk masks = new(_services.MaskKeys);
        CopyDesk copies = new(_options.Audit, masks, new BodyLimits(limits.DecodedBytesMax, limits.DecodedRatioMax));
        IAuditTrail audit = AuditInPlace
            ?? new AuditTrail(_services.Audit, copies, _options.Gateway, _clock);
        byte[] Metadata(string path) => ResourceMetadata.Write(
            publicUrl + path, _options.AuthorizationServers, _services.Proofs is not null,
            _options.Tls is { ClientCertificates: not ClientCertificates.None });
        return new CallPipeline(
            _admission,
            audit,
            new OwnPaths(callers, _services.Approvals, _services.Seal, limits, _clock, Metadata),
            callers,
            new FunctionTable(_services.InForce, limits),
            new PolicyJudge(_services.InForce, limits, _clock),
            new RateDesk(
                _services.Rates ?? new NoRateStore(), limits.RateBucketsMax, _services.LiveNodes, _clock),
            new DutyDesk(_services.Approvals),
            new ApprovalDesk(
                callers, _services.Approvals, _services.Seal, _settlements, audit, limits, _clock, _services.Start),
            new CredentialDesk(_services.Credentials, _services.Brokers, limits, _services.Start, _clock),
            new UpstreamCaller(pools, limits),
            new ReplyDesk(masks, limits, new ProtectedResources(publicUrl, _services.InForce)),
            new Faults(_logs.CreateLogger<Faults>()));
    }

    private async Task AcceptAsync(IConnectionListener listener)
    {
        while (true)
        {
            try
            {
                ConnectionContext? connection = await listener.AcceptAsync();
                if (connection is null) return;
                _handler!.Expect();
                Arrival arrival = new(_handler, connection);
                if (connection is EpollConnection own && _options.Tls is null) own.Loop.Post(arrival);
                else ThreadPool.UnsafeQueueUserWorkItem(arrival, preferLocal: false);
            }
            catch (Exception fault) when (fault is IOException or ObjectDisposedException)
            {
                LogAcceptEnded(_log, fault);
                return;
            }
        }
    }

    // Begun on the connection's own loop, so that a request that came with it finds the upstream connections there.
    // What begins with a handshake waits for more on its way to a request, and is on the loop by then.
    private sealed class Arrival(CallConnectionHandler handler, ConnectionContext connection)
        : IResumable, IThreadPoolWorkItem
    {
        public void Resume()
        {
            _ = handler.OnConnectedAsync(connection);
            handler.Meet();
        }

        void IThreadPoolWorkItem.Execute() => Resume();
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Calls did not finish within the drain limit and were cut; {Count} connections are left")]
    private static partial void LogUndrained(ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "The data listener's transport is {Transport}")]
    private static partial void LogTransport(ILogger log, string transport);

    [LoggerMessage(Level = LogLevel.Error, Message = "The data listener stopped accepting")]
    private static partial void LogAcceptEnded(ILogger log, Exception fault);
}
