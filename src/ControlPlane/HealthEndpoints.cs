using Countersign.ControlPlane.Console;
using Countersign.Policy.Redis;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane;

/// <summary>What anybody may know: that the listener lives, whether it can do its duty, and what it is.</summary>
internal static class HealthEndpoints
{
    private const string FrontPage = """
        Countersign: the control listener.

        Approvals   /api/v1/approvals
        Policies    /api/v1/policies
        Fleet       /api/v1/nodes
        Audit       /api/v1/audit/calls, /api/v1/audit/checkpoint
        Keys        /oauth/jwks
        Health      /health/live, /health/ready

        Send a bearer token of a configured issuer. The API is described in docs/API.md.
        Calls are made on the data listener, not here.

        """;

    public static void Map(
        Routes routes, ControlPlaneServices services, TimeSpan policyStaleAfter, TimeProvider clock)
    {
        // People with a browser are shown the console, where there is one.
        bool hasConsole = services.Sessions is not null && services.SignIn is not null;
        Reply front = hasConsole ? ConsoleGate.SeeOther(ConsolePaths.Inbox) : Reply.Text(FrontPage);
        routes.Open(HttpMethods.Get, "/", _ => new(front));
        routes.Open(HttpMethods.Get, "/health/live", _ => new(Reply.Json("""{"status":"live"}""")));
        routes.Open(HttpMethods.Get, "/health/ready", _ =>
        {
            long heardAt = services.InForce.ContactAt;
            TimeSpan silence = heardAt == 0 ? TimeSpan.MaxValue : clock.GetElapsedTime(heardAt);
            return new(Ready(new ReadyParts(
                services.Readiness.IsDraining,
                services.InForce.Current?.Version,
                IsStoreHeard: silence < ControlPlaneLimits.StoreSilenceMax,
                IsPolicyFresh: silence < policyStaleAfter,
                services.Audit.IsHealthy)
            {
                IsPolicyDoubted = services.InForce.IsDoubted,
                Alarms = services.Feed?.Standing.Alarms ?? [],
                IsPollingAlone = services.Feed?.IsPollingAlone ?? false,
                IsAuditDoubted = services.Audit.DoubtedBecause is not null,
                IsAuditUnwitnessed = clock.GetUtcNow() > services.Audit.WitnessedUntil,
            }));
        });
    }

    /// <summary>
    /// Ready with a fresh policy in force, a store that answers, a log that takes records, and no drain begun. Why a
    /// part is not well is in the process's own logs: it may name files, and this path is public.
    /// </summary>
    internal static Reply Ready(ReadyParts parts)
    {
        bool isReady = !parts.IsDraining && parts.PolicyVersion is not null && parts.IsStoreHeard
            && parts.IsPolicyFresh && !parts.IsPolicyDoubted && parts.IsAuditHealthy && !parts.IsAuditDoubted;
        return Reply.Json(isReady ? 200 : 503, json =>
        {
            json.WriteStartObject();
            json.WriteString("status", isReady ? "ready" : parts.IsDraining ? "draining" : "not-ready");
            if (parts.PolicyVersion is { } version) json.WriteNumber("policy_version", version);
            else json.WriteNull("policy_version");
            json.WriteString("policy", StateOf(parts));
            json.WriteString("store", parts.IsStoreHeard ? "ok" : "away");
            if (parts.IsPollingAlone) json.WriteString("store_events", "refused");
            json.WriteString("audit", AuditOf(parts));
            json.WriteEndObject();
        });
    }

    // Too few witnesses end high-risk calls and no others: a gateway that still serves those stays ready.
    private static string AuditOf(ReadyParts parts) =>
        !parts.IsAuditHealthy ? "faulted"
        : parts.IsAuditDoubted ? "doubted"
        : parts.IsAuditUnwitnessed ? "unwitnessed"
        : "ok";

    private static string StateOf(ReadyParts parts) =>
        parts.PolicyVersion is null ? WhyNone(parts)
        : !parts.IsPolicyFresh ? "stale"
        : parts.IsPolicyDoubted ? "regressed"
        : "fresh";

    private static string WhyNone(ReadyParts parts) =>
        parts.IsPolicyDoubted ? "regressed"
        : parts.Alarms?.Contains(PolicyStanding.Damaged) == true ? "damaged"
        : parts.Alarms?.Contains(PolicyStanding.DoesNotCompile) == true ? "does-not-compile"
        : "none";

    /// <summary>What readiness is made of.</summary>
    /// <param name="IsDraining">The process is going.</param>
    /// <param name="PolicyVersion">The version in force, if there is one.</param>
    /// <param name="IsStoreHeard">The store has answered lately.</param>
    /// <param name="IsPolicyFresh">It has answered lately enough for high-risk functions.</param>
    /// <param name="IsAuditHealthy">The log takes records.</param>
    internal readonly record struct ReadyParts(
        bool IsDraining, long? PolicyVersion, bool IsStoreHeard, bool IsPolicyFresh, bool IsAuditHealthy)
    {
        /// <summary>The store is behind what was seen.</summary>
        public bool IsPolicyDoubted { get; init; }

        /// <summary>What is wrong with the policy, by name.</summary>
        public IReadOnlyList<string>? Alarms { get; init; }

        /// <summary>The store refuses to tell changes: they are found a poll later.</summary>
        public bool IsPollingAlone { get; init; }

        /// <summary>Witnesses contradict the log.</summary>
        public bool IsAuditDoubted { get; init; }

        /// <summary>Fewer witnesses follow the log than are required.</summary>
        public bool IsAuditUnwitnessed { get; init; }
    }
}
