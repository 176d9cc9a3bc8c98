using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Http;

/// <summary>Heads of all sizes in the one place that a connection has for them.</summary>
public sealed class MessageHeadTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_head_may_be_longer_than_the_one_before(bool isPipelined)
    {
        // Proves that requests and answers of growing and shrinking heads, with more and fewer fields, are served on
        // one connection, with and without a wait between them.
        await using MemoryGateway gateway = new(Policies.Standard);
        int[] sizes = [0, 3_000, 6_000, 20_000, 10, 30_000, 5_000];
        gateway.Upstream.Reply = request => ScriptedUpstream.Json("{}", Fields(400 * request.All("More").Count));
        string[] requests = [.. sizes.Select(size => Requests.Get(
            gateway, "/raw/1", Fields(size)))];
        MemoryClient client = gateway.Connect();
        if (isPipelined) await client.SendAsync(string.Concat(requests));
        foreach ((string request, int size) in requests.Zip(sizes))
        {
            if (!isPipelined) await client.SendAsync(request);
            WireMessage answer = (await client.ReadAsync())!;
            Assert.Equal(200, answer.Status);
            Assert.Equal(size / 400, answer.All("More").Count);
        }

        Assert.Equal(sizes.Select(size => size / 400), gateway.Upstream.Requests.Select(one => one.All("More").Count));
        Assert.Equal(1, gateway.Upstream.Dials);
    }

    // About so many bytes of fields, 400 each.
    private static string Fields(int bytes) =>
        string.Concat(Enumerable.Repeat($"More: {new string('x', 392)}\r\n", bytes / 400));
}
