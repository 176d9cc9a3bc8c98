using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Calls that are decided by their arguments, by the real program.</summary>
public sealed class PolicyConditionTests : IAsyncLifetime
{
    private const string Refunds = "/billing/77/refunds";

    private const string Rules = """
          - id: small
            subjects: { groups: [support] }
            functions: [billing.refund]
            when: "args.amount <= 50.0"
            effect: allow
          - id: large
            subjects: { groups: [support] }
            functions: [billing.refund]
            when: "args.amount > 50.0"
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }] }

        """;

    private Backends _backends = null!;
    private ServeSetup _setup = null!;
    private CountersignProcess? _gateway;
    private GatewayClient? _client;

    private GatewayClient Client => _client!;

    public async ValueTask InitializeAsync() => _backends = await Backends.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_gateway is not null) await _gateway.DisposeAsync();
        await _backends.DisposeAsync();
        _setup?.Dispose();
    }

    [Fact]
    public async Task An_amount_decides_whether_another_person_must_agree()
    {
        // Proves a condition at its bound, on both sides, and without what it asks for; and that the one that pauses
        // goes through once it is approved, under the conditions that paused it.
        await StartAsync("");
        Assert.Equal(201, (await Client.CallAsync("alice", "POST", Refunds, """{"amount":50}""")).Status);
        Answer missing = await Client.CallAsync("alice", "POST", Refunds, """{"amuont":50}""");
        Assert.Equal((403, "denied"), (missing.Status, missing.Problem));
        Assert.Equal("The condition of rule 'small' has no answer for this call.", missing["detail"]);
        const string large = """{"amount":51}""";
        Answer asked = await Client.AskApprovedAsync("alice", Refunds, large, "carol");
        Answer called = await Client.CallAsync(
            "alice", "POST", Refunds, large, ("Countersign-Approval", asked["approval"]));
        Assert.Equal(201, called.Status);
    }

    [Fact]
    public async Task A_schema_refuses_what_a_function_does_not_take()
    {
        // Proves that a schema is asked before conditions, and says where and by which keyword.
        await StartAsync(", args: { type: object, required: [amount], properties: { amount: { type: number } } }");
        Assert.Equal(201, (await Client.CallAsync("alice", "POST", Refunds, """{"amount":50}""")).Status);
        Assert.Equal(428, (await Client.CallAsync("alice", "POST", Refunds, """{"amount":51}""")).Status);
        Answer missing = await Client.CallAsync("alice", "POST", Refunds, """{"amuont":50}""");
        Assert.Equal((403, "denied"), (missing.Status, missing.Problem));
        Assert.EndsWith("'/amount' fails 'required'.", missing["detail"], StringComparison.Ordinal);
    }

    private async Task StartAsync(string schema)
    {
        string policy = ServeSetup.Policy(_backends.Upstream, rules: Rules)
            .Replace("[billing.reset, billing.refund]", "[billing.reset]", StringComparison.Ordinal)
            .Replace("/refunds\", risk: high }", $"/refunds\", risk: high{schema} }}", StringComparison.Ordinal);
        _setup = new ServeSetup(_backends.Issuer, Backends.Audience, policy);
        _gateway = await _setup.StartAsync("embedded");
        _client = new(
            _gateway.Ready["data"]!.ToString(), _gateway.Ready["control"]!.ToString(), _backends.TokenOf);
    }
}
