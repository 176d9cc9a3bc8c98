using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Interim answers of the upstream.</summary>
public sealed class InterimTests
{
    private const string Hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-B\r\nX-B: 1\r\n"
        + "Countersign-Call: forged\r\n\r\n";

    [Fact]
    public async Task Interim_answers_go_on_filtered()
    {
        // Proves that 103 and 102 reach the client before the answer, without fields of the hop or the gateway's own,
        // and that an unasked 100 does not.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 100 Continue\r\n\r\n" + Hints
            + "HTTP/1.1 102 Processing\r\nX-C: 1\r\n\r\n"
            + ScriptedUpstream.Json("{}");
        MemoryClient client = gateway.Connect();
        WireMessage hints = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
        Assert.Equal("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nVia: 1.1 countersign", hints.Head);
        Assert.Equal("1", (await client.ReadAsync())!.Field("X-C"));
        Assert.Equal(200, (await client.ReadAsync())!.Status);
        Assert.Equal(200, (await NextFinalAsync(client, Requests.Get(gateway, "/raw/2"))).Status);
        Assert.Equal(1, gateway.Upstream.Dials);
    }

    [Fact]
    public async Task An_old_client_gets_the_final_answer_only()
    {
        // Proves RFC 9110 section 15.2: no interim answer goes to HTTP/1.0.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => Hints + ScriptedUpstream.Json("{}");
        string request = Requests.Get(gateway, "/raw/1").Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal);
        Assert.Equal(200, (await gateway.Connect().CallAsync(request)).Status);
    }

    [Theory]
    [InlineData("Link: </a>\r\n", true)]
    [InlineData("Link: </a>\r\nX-Ssn: 123-45-6789\r\n", false)]
    public async Task Under_a_mask_only_links_go_on(string fields, bool goesOn)
    {
        // Proves that no field which a mask would have to look at passes in an interim answer.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => $"HTTP/1.1 103 Early Hints\r\n{fields}\r\n" + ScriptedUpstream.Json("{}");
        WireMessage first = await gateway.Connect().CallAsync(Requests.Get(gateway, "/people/1"));
        Assert.Equal(goesOn ? 103 : 200, first.Status);
    }

    [Theory]
    [InlineData(8, 200)]
    [InlineData(9, 502)]
    public async Task A_flood_is_refused(int count, int status)
    {
        // Proves the bound: eight interim answers are passed over, one more makes the answer unsound.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => string.Concat(Enumerable.Repeat("HTTP/1.1 102 P\r\n\r\n", count))
            + ScriptedUpstream.Json("{}");
        Assert.Equal(status, (await NextFinalAsync(gateway.Connect(), Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public async Task The_bound_counts_each_call_anew()
    {
        // Proves that interim answers of earlier calls on a kept connection do not add up.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => string.Concat(Enumerable.Repeat("HTTP/1.1 102 P\r\n\r\n", 5))
            + ScriptedUpstream.Json("{}");
        MemoryClient client = gateway.Connect();
        for (int call = 0; call < 3; call++)
        {
            Assert.Equal(200, (await NextFinalAsync(client, Requests.Get(gateway, "/raw/1"))).Status);
        }

        Assert.Equal(1, gateway.Upstream.Dials);
    }

    private static async Task<WireMessage> NextFinalAsync(MemoryClient client, string request)
    {
        WireMessage answer = await client.CallAsync(request);
        while (answer.Status < 200) answer = (await client.ReadAsync())!;
        return answer;
    }
}
