using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Dynamic separations of duties over a fleet of two.</summary>
public sealed class DutyTests(FleetWorld world) : IClassFixture<FleetWorld>
{
    private const string Refund = "/billing/90/refunds";
    private const string Reset = "/billing/90/reset";
    private const string Body = """{"amount":5}""";

    [Fact]
    public async Task What_was_done_at_one_is_kept_apart_at_the_other()
    {
        // Proves that callers, their agents and approvers are held to what they did through any gateway of the fleet.
        await PublishAsync();
        Answer asked = await world.A.AskApprovedAsync("alice", Refund, Body, "bob");
        Assert.Equal(201, (await world.A.CallAsync("alice", "POST", Refund, Body, Names(asked))).Status);
        Answer refused = await world.B.CallAsync("agent-9", "POST", Reset);
        Assert.Equal((403, "duty-conflict"), (refused.Status, refused.Problem));
        Assert.Contains("'refund-or-reset'", refused.Text, StringComparison.Ordinal);
        Assert.Equal(428, (await world.B.CallAsync("agent-9", "POST", "/billing/91/reset")).Status);

        Answer reset = await world.B.CallAsync("ci-deploy", "POST", Reset);
        Assert.Equal(428, reset.Status);
        Answer decided = await world.A.DecideAsync("bob", reset["approval"], reset["digest"]);
        Assert.Equal((403, "duty-conflict"), (decided.Status, decided.Problem));
        Assert.Equal("approved", (await world.B.DecideAsync("carol", reset["approval"], reset["digest"]))["state"]);
        Assert.Equal(200, (await world.A.CallAsync("ci-deploy", "POST", Reset, null, Names(reset))).Status);

        Answer second = await world.A.CallAsync("nina", "POST", Refund, Body);
        Assert.Equal(428, second.Status);
        decided = await world.A.DecideAsync("carol", second["approval"], second["digest"]);
        Assert.Equal((403, "duty-conflict"), (decided.Status, decided.Problem));
    }

    // Both gateways run it once both refuse what it denies anew.
    private async Task PublishAsync()
    {
        const string Reading = "functions: [people.*],    effect: ";
        string policy = ServeSetup.Policy(world.Upstream)
            .Replace(Reading + "allow", Reading + "deny", StringComparison.Ordinal)
            .Replace("\nmasks:\n", """

                separations:
                  - id: refund-or-reset
                    kind: dynamic
                    functions: [billing.refund, billing.reset]
                    object: path.account
                    window: 1d

                masks:

                """, StringComparison.Ordinal);
        Answer published = await world.B.PublishAsync("olga", policy);
        Assert.True(published.Status == 201, published.Text);
        foreach (GatewayClient gateway in (GatewayClient[])[world.A, world.B])
            await Until.TrueAsync(async () => (await gateway.CallAsync("alice", "GET", "/people/1")).Status == 403);
    }

    private static (string Name, string Value) Names(Answer asked) => ("Countersign-Approval", asked["approval"]);
}
