using System.Text;
using System.Text.Json.Nodes;
using Countersign.Integration.Tests.Identity;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>A gateway whose issuer is an independent, certified OpenID provider.</summary>
public sealed class OidcProviderCallTests
{
    [Fact]
    public async Task A_client_of_a_real_provider_calls_through_the_gateway()
    {
        // Proves discovery, tokens and claims end to end: a ci client's token reads, asks, and stands for its actor.
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using OidcProvider provider = await OidcProvider.StartAsync(cancel);
        await using Backends backends = await Backends.StartAsync();
        using ServeSetup setup = new(provider.Issuer, "gateway", ServeSetup.Policy(backends.Upstream));
        await using CountersignProcess gateway = await setup.StartAsync(
            "embedded", "audit", ("IDENTITY__ISSUERS__0__REQUIRENOTBEFORE", "false"));
        string token = Encoding.ASCII.GetString(await provider.TokenAsync("ci", cancel));
        using GatewayClient client = new(
            gateway.Ready["data"]!.ToString(), gateway.Ready["control"]!.ToString(), _ => token);

        Answer metadata = await client.GetAsync(client.Data + "/.well-known/oauth-protected-resource");
        Assert.Equal(provider.Issuer, metadata.Body["authorization_servers"]![0]!.ToString());
        Answer read = await client.CallAsync("ci", "GET", "/billing/42");
        Assert.Equal((200, "42"), (read.Status, read["account"]));
        Answer asked = await client.CallAsync("ci", "POST", "/billing/42/reset");
        Assert.Equal(428, asked.Status);
        Answer status = await client.CallAsync("ci", "GET", "/.countersign/approvals/" + asked["approval"]);
        JsonNode caller = status.Body["caller"]!;
        Assert.Equal(provider.Issuer, caller["issuer"]!.ToString());
        Assert.Equal(("ci", "ci"), (caller["subject"]!.ToString(), caller["kind"]!.ToString()));
        Assert.Equal("""["dave"]""", caller["chain"]!.ToJsonString());
        Answer forged = await client.CallAsync("ci", "GET", "/billing/42", null, ("Authorization", "Bearer " + token));
        Assert.Equal(401, forged.Status);
    }
}
