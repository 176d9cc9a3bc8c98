using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane;

/// <summary>What anybody may know: that the listener lives, whether it can do its duty, and what it is.</summary>
internal static class HealthEndpoints
{
    private const string FrontPage = """
        Countersign: the control listener.

        Approvals   /api/v1/approvals
        Policies    /api/v1/policies
        Audit       /api/v1/audit/calls, /api/v1/audit/checkpoint
        Keys        /oauth/jwks
        Health      /health/live, /health/ready

        Send a bearer token of a configured issuer. The API is described in docs/API.md.
        Calls are made on the data listener, not here.

        """;

    public static void Map(Routes routes, ControlPlaneServices services)
    {
        routes.Open(HttpMethods.Get, "/", _ => new(Reply.Text(FrontPage)));
        routes.Open(HttpMethods.Get, "/health/live", _ => new(Reply.Json("""{"status":"live"}""")));
        routes.Open(
            HttpMethods.Get,
            "/health/ready",
            _ => new(Ready(services.InForce.Current?.Version, services.Audit.IsHealthy)));
    }

    /// <summary>Ready with a policy in force and a log that takes records. Why the log does not is in the process's own
    /// logs: it may name files, and this path is public.</summary>
    internal static Reply Ready(long? policyVersion, bool isAuditHealthy)
    {
        bool isReady = policyVersion is not null && isAuditHealthy;
        return Reply.Json(isReady ? 200 : 503, json =>
        {
            json.WriteStartObject();
            json.WriteString("status", isReady ? "ready" : "not-ready");
            if (policyVersion is { } version) json.WriteNumber("policy_version", version);
            else json.WriteNull("policy_version");
            json.WriteString("audit", isAuditHealthy ? "ok" : "faulted");
            json.WriteEndObject();
        });
    }
}
