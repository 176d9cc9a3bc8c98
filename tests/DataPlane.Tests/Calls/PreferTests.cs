using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Preferences as clients write them (RFC 7240).</summary>
public sealed class PreferTests
{
    [Theory]
    [InlineData("Prefer: respond-async\r\n", 202)]
    [InlineData("Prefer: Respond-Async\r\n", 202)]
    [InlineData("Prefer: respond-async=\"\"\r\n", 202)]
    [InlineData("Prefer: respond-async =\r\n", 202)]
    [InlineData("Prefer: respond-async; priority=5\r\n", 202)]
    [InlineData("Prefer: wait=0, respond-async;x\r\n", 202)]
    [InlineData("Prefer: handling=lenient\r\nPrefer: respond-async\r\n", 202)]
    [InlineData("Prefer: respond-async, respond-async=no\r\n", 202)]
    [InlineData("Prefer: respond-async=no\r\n", 428)]
    [InlineData("Prefer: respond-async=no\r\nPrefer: respond-async\r\n", 428)]
    [InlineData("Prefer: x; respond-async\r\n", 428)]
    [InlineData("Prefer: respond-asynchronously\r\n", 428)]
    [InlineData("Prefer: \r\n", 428)]
    public async Task A_caller_who_does_not_wait_says_so_in_any_form(string fields, int status)
    {
        // Proves section 2: parameters that nobody knows are ignored, an empty value is none,
        // names have no case, and of several the first counts.
        await using MemoryGateway gateway = new(Policies.Standard);
        WireMessage answer = await gateway.Connect().CallAsync(
            Requests.Post(gateway, "/billing/7/refunds", "{}", fields));
        Assert.Equal(status, answer.Status);
    }

    [Fact]
    public async Task The_metadata_of_the_resource_has_a_head()
    {
        // Proves that HEAD says what GET would, without the body, and that the connection goes on.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        const string Rest = " /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
        WireMessage head = await client.CallAsync("HEAD" + Rest, hasBody: false);
        WireMessage whole = await client.CallAsync("GET" + Rest);
        Assert.Equal((200, 200), (head.Status, whole.Status));
        Assert.Equal(whole.Field("Content-Length"), head.Field("Content-Length"));
        Assert.Equal(404, (await client.CallAsync("POST" + Rest)).Status);
    }
}
