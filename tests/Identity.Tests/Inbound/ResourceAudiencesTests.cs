using System.Text.Json;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>Which tokens are for a resource of the data listener alone.</summary>
public sealed class ResourceAudiencesTests
{
    [Theory]
    [InlineData("https://gw.test/mcp", "https://gw.test", "/mcp")]
    [InlineData("https://GW.test:443/mcp/", "https://gw.test/", "/mcp")]
    [InlineData("https://gw.test/a/mcp?x=1", "https://gw.test/a", "/mcp?x=1")]
    [InlineData("https://gw.test/a%20b", "https://gw.test", "/a%20b")]
    [InlineData("https://gw.test", "https://gw.test", null)]
    [InlineData("https://gw.test/", "https://gw.test", null)]
    [InlineData("https://gw.test/a", "https://gw.test/a", null)]
    [InlineData("https://gw.test/ab", "https://gw.test/a", null)]
    [InlineData("http://gw.test/mcp", "https://gw.test", null)]
    [InlineData("https://gw.test:8443/mcp", "https://gw.test", null)]
    [InlineData("https://other.test/mcp", "https://gw.test", null)]
    [InlineData("api://gateway", "https://gw.test", null)]
    [InlineData("gateway", "https://gw.test", null)]
    public void AResourceIsAnAddressUnderTheListeners(string audience, string listener, string? path)
    {
        // Proves what names a resource, its path, and what names the listener or something else.
        Assert.Equal(path is not null, ResourceAudiences.TryGetPath(audience, listener, out string found));
        Assert.Equal(path ?? "", found);
    }

    [Theory]
    [InlineData("\"https://gw.test/mcp\"", "/mcp")]
    [InlineData("[\"https://gw.test/mcp\",\"https://gw.test/ops\"]", "/mcp,/ops")]
    [InlineData("[\"https://gw.test/mcp\",\"stranger\",\"https://gw.test/unlisted\"]", "/mcp")]
    [InlineData("[\"https://gw.test/mcp\",\"gateway\"]", "")]
    [InlineData("\"gateway\"", "")]
    public void OnlyAudiencesThatCountNarrow(string aud, string paths)
    {
        // Proves that one audience for all makes it a token for all, and that what is not configured counts for
        // nothing.
        IssuerOptions options = ScriptedIssuer.Options with
        {
            Audiences = ["gateway", "https://gw.test/mcp", "https://gw.test/ops"],
        };
        using JsonDocument claims = JsonDocument.Parse($$"""{"aud":{{aud}}}""");
        Caller caller = new("https://issuer.test", "alice", CallerKind.Human, ["staff"], ["alice"], "acme")
        {
            IsDelegated = true,
            Actor = "https://issuer.test\nrobot",
            BoundKey = new byte[32],
            BoundCertificate = new byte[32],
            IssuedAt = 7,
        };
        ResourceAudiences resources = new();
        Assert.Same(caller, resources.Narrow(claims.RootElement, options, caller));
        resources.Listener = () => "https://gw.test";
        Caller held = resources.Narrow(claims.RootElement, options, caller);
        Assert.Equal(paths, string.Join(',', held.ResourcePaths));
        Assert.Equal(paths.Length == 0, held.MayUse("/people/1"u8));
        Assert.True(held.MayUse("/mcp"u8));
        Assert.Equivalent(
            new
            {
                caller.Issuer, caller.Subject, caller.Kind, caller.Groups, caller.Chain, caller.Tenant,
                caller.IsDelegated, caller.Actor, caller.BoundKey, caller.BoundCertificate, caller.IssuedAt
            },
            new
            {
                held.Issuer, held.Subject, held.Kind, held.Groups, held.Chain, held.Tenant,
                held.IsDelegated, held.Actor, held.BoundKey, held.BoundCertificate, held.IssuedAt
            });
    }
}
