using System.Net;
using System.Net.Security;
using Countersign.ControlPlane.Approvals;
using Countersign.ControlPlane.AuditTrail;
using Countersign.ControlPlane.Console;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Metrics;
using Countersign.ControlPlane.Nodes;
using Countersign.ControlPlane.Notices;
using Countersign.ControlPlane.OpenApi;
using Countersign.ControlPlane.Policies;
using Countersign.ControlPlane.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Countersign.ControlPlane;

/// <summary>
/// The control listener (DESIGN 4.4): approvals, policies, audit, keys and health over HTTP. Reads no settings file
/// and no environment, binds only what its options name, and leaves signals to its process.
/// </summary>
public sealed class ControlPlaneHost : IAsyncDisposable
{
    private readonly ControlPlaneOptions _options;
    private readonly WebApplication _app;
    private readonly PolicyProposals _proposals;
    private readonly ApprovalFeed _feed;
    private readonly NoticeDesk? _notices;
    private readonly MeterProvider _metrics = MetricsEndpoint.Collect();

    /// <summary>Sets up a listener that is not bound yet. Nothing that is passed in is disposed of here.</summary>
    public ControlPlaneHost(
        ControlPlaneOptions options, ControlPlaneServices services, TimeProvider clock, ILoggerFactory logs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(logs);
        _options = options;
        _app = Build(options, logs);
        ILogger log = logs.CreateLogger<ControlPlaneHost>();
        _app.Use(next => context => new OuterStep(log).RunAsync(context, next));
        ActLog acts = new(services.Audit, options.Gateway, clock);
        _proposals = new PolicyProposals(services, options, acts, clock, log);
        SeenPeople people = new(services.Approvals, clock);
        ConsoleFront? front = ConsoleFront.Open(options, services, people, clock, () => PublicUrl);
        KnownCallers callers = new(
            Bearers(services), front?.Sessions, front?.Cookies, () => PublicUrl);
        Routes routes = new(_app, callers, people);
        ApprovalViews views = new(services, options.PolicyAdmins, log);
        _feed = new ApprovalFeed(services.Approvals, clock, log);
        ApprovalStreams streams = new(_feed, views, clock, _app.Lifetime.ApplicationStopping);
        RevealDesk reveals = new(services, views, people, options.Revealers, acts, clock);
        ApprovalDesk approvals = new(services, views, people, acts, _proposals, clock, log);
        PolicyDesk policies = new(services, options, acts, _proposals, () => PublicUrl, clock);
        ApprovalEndpoints.Map(routes, approvals, streams, reveals);
        if (services.Notices is { } notices)
        {
            _notices = new NoticeDesk(options, services, notices, _feed, () => PublicUrl, clock, log);
            NoticeEndpoints.Map(routes, _notices, options, acts);
        }

        PolicyEndpoints.Map(routes, policies);
        if (services.Nodes is { } nodes) NodeEndpoints.Map(routes, nodes, options);
        AuditDesk audit = new(services.Audit, options.Auditors, acts, services.Chain);
        AuditEndpoints.Map(routes, audit);
        WitnessEndpoints.Map(routes, services.Witness);
        MapTokens(routes, services, front?.Sessions, acts, clock);
        HealthEndpoints.Map(routes, services, options.PolicyStaleAfter, clock);
        front?.Map(routes, new ConsoleParts(
            _app.Services, logs, approvals, reveals, policies, people, acts, audit, log));
        OpenApiEndpoint.Map(routes);
        MetricsEndpoint.Map(_app, _metrics);
    }

    /// <summary>The addresses it is bound to, <c>http://127.0.0.1:8081</c>; empty until it is started.</summary>
    public IReadOnlyList<string> Addresses =>
        [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? []];

    /// <summary>Every method and path that it serves, HEAD aside, for the test of its description.</summary>
    internal IEnumerable<string> Routes =>
        from endpoint in ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints)
        let route = (RouteEndpoint)endpoint
        from method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        where method != "HEAD"
        select method + " " + route.RoutePattern.RawText;

    private string PublicUrl => (_options.PublicUrl ?? Addresses[0]).TrimEnd('/');

    /// <summary>Binds and begins to answer. Throws <see cref="IOException"/> where an address cannot be
    /// bound.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _feed.Start();
        await _app.StartAsync(cancellation);
        _notices?.Start();
        _proposals.Start();
    }

    /// <summary>Accepts no more, and waits up to 5 s for the answers under way.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _proposals.DisposeAsync();
        if (_notices is not null) await _notices.DisposeAsync();
        await _feed.DisposeAsync();
        _metrics.Dispose();
    }

    private void MapTokens(
        Routes routes, ControlPlaneServices services, SessionDesk? sessions, ActLog acts, TimeProvider clock)
    {
        TokenDesk? tokens = null;
        RevocationDesk? revocations = null;
        if (services.Tokens is { } terms)
        {
            tokens = new TokenDesk(services.Callers, terms, services.Saml, acts, () => PublicUrl, clock);
            revocations = new RevocationDesk(
                services.Callers, terms, _options, sessions, acts, () => IssuersOf(services), clock);
        }

        new IntrospectionEndpoint(
            _options.Introspection, services.LentKeys, services.LentCalls, Bearers(services),
            services.Callers, () => PublicUrl, clock).Map(routes);
        if (services.KeyKeeper is { } keeper) new SigningKeyDesk(keeper, _options, acts, clock).Map(routes);
        TokenEndpoints.Map(
            routes, services.LentKeys, services.LentKeyTerms, tokens, revocations, services.Saml, () => PublicUrl);
    }

    // Everybody who vouches for somebody here.
    private static IReadOnlyList<string> IssuersOf(ControlPlaneServices services) =>
    [
        .. services.Callers.Issuers,
        .. services.Saml?.Providers.Select(provider => provider.Mapping.Issuer) ?? [],
        .. services.Certificates is { } certificates ? [certificates.Issuer] : (string[])[],
    ];

    private BearerCallers Bearers(ControlPlaneServices services) =>
        new(services.Callers, services.Tokens?.Proofs, services.Certificates, () => PublicUrl);

    private static WebApplication Build(ControlPlaneOptions options, ILoggerFactory logs)
    {
        // The empty builder alone: the others read files, the environment and the command line.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // A start that fails is thrown to the process, which tells it in its own words.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.Critical);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddProvider(new GivenLogs(logs));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, ProcessOwnedLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ControlPlaneLimits.StopWithin);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = ControlPlaneLimits.DrainedBytesMax;
            kestrel.Limits.MaxConcurrentConnections = ControlPlaneLimits.ConnectionsMax;
            foreach (IPEndPoint endpoint in options.Listen)
            {
                kestrel.Listen(endpoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    if (options.Tls is { } tls) listen.UseHttps(HandshakesBy(tls));
                });
            }
        });
        if (options.Tls is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        return builder.Build();
    }

    private static TlsHandshakeCallbackOptions HandshakesBy(Func<string, SslServerAuthenticationOptions> tls) => new()
    {
        OnConnection = context => new(tls(context.ClientHelloInfo.ServerName)),
        HandshakeTimeout = ControlPlaneLimits.HandshakeWithin,
    };

    /// <summary>Passes log messages on to the factory of the process, which stays the process's.</summary>
    private sealed class GivenLogs(ILoggerFactory logs) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => logs.CreateLogger(categoryName);

        public void Dispose()
        {
        }
    }

    /// <summary>In place of the console lifetime, which would take SIGTERM away from the process's own drain.</summary>
    private sealed class ProcessOwnedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
