using Countersign.ControlPlane.Approvals;
using Countersign.ControlPlane.AuditTrail;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Policies;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Console;

/// <summary>What of the listener the console works with.</summary>
internal sealed record ConsoleParts(
    IServiceProvider Provider, ILoggerFactory Logs, ApprovalDesk Approvals, RevealDesk Reveals, PolicyDesk Policies,
    SeenPeople People, ActLog Acts, AuditDesk Audit, ILogger Log);

/// <summary>The console, put together: sessions first, since the API takes them too, then its pages.</summary>
internal sealed class ConsoleFront
{
    private readonly ControlPlaneOptions _options;
    private readonly ControlPlaneServices _services;
    private readonly TimeProvider _clock;
    private readonly Func<string> _publicUrl;

    private ConsoleFront(
        ControlPlaneOptions options, ControlPlaneServices services, SeenPeople people, TimeProvider clock,
        Func<string> publicUrl)
    {
        _options = options;
        _services = services;
        _clock = clock;
        _publicUrl = publicUrl;
        Sessions = new SessionDesk(services.Sessions!, services.SessionSeal!, options.Console, people, clock);
        Cookies = new ConsoleCookies(services.SessionSeal!, publicUrl, clock);
    }

    public SessionDesk Sessions { get; }

    public ConsoleCookies Cookies { get; }

    /// <summary>The console; null where there are no sessions.</summary>
    public static ConsoleFront? Open(
        ControlPlaneOptions options, ControlPlaneServices services, SeenPeople people, TimeProvider clock,
        Func<string> publicUrl) =>
        services.Sessions is null || services.SessionSeal is null
            ? null
            : new ConsoleFront(options, services, people, clock, publicUrl);

    // On every page: who approves must know as well as who audits.
    private string Alarm()
    {
        const string Refused = " High and critical functions are refused.";
        if (!_services.Audit.IsHealthy) return "The audit log takes no more records: every call is refused.";
        ChainOfTrust chain = _services.Chain();
        if (chain.Doubt is not null) return $"The audit log is in doubt: {chain.Doubt}.{Refused}";
        if (chain.Unwitnessed is not null) return $"{chain.Unwitnessed}.{Refused}";
        return chain.Conflicts.Count == 0 ? ""
            : "The audit log of another gateway contradicts what this one saw of it.";
    }

    public void Map(Routes routes, ConsoleParts parts)
    {
        PageRenderer renderer = new(parts.Provider, parts.Logs);
        ConsoleGate gate = new(routes, Sessions, Cookies, renderer, _options, _publicUrl, Alarm);
        ApprovalSearch search = new(_services.Approvals, parts.Approvals.Views);
        ConsoleAssets.Map(routes);
        SignInEndpoints entrance = new(
            gate, Sessions, Cookies, _services.SignIn, _services.Saml, parts.People, parts.Acts, _publicUrl, _clock,
            parts.Log);
        entrance.Map();
        if (_services.Saml is { } saml)
            new SamlSignInEndpoints(routes, gate, entrance, Sessions, Cookies, saml, _clock, parts.Log).Map();
        new ApprovalPages(gate, parts.Approvals, parts.Reveals, search, _services, _clock).Map();
        new ReviewPages(gate, search, _clock).Map();
        new HistoryPages(gate, search).Map();
        new PolicyPages(gate, parts.Policies, search).Map();
        new AuditPages(gate, parts.Audit).Map();
        if (_services.Nodes is { } nodes) new FleetPages(gate, nodes).Map();
        gate.Open("/console/{**rest}", _ => gate.MessageAsync(
            404, ConsoleGate.HeadForAnybody("There is no such page"), "It may have been mistyped."));
    }
}
