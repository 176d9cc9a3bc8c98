using System.Text;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>When a lent credential is good.</summary>
public sealed class LentCallTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("no HTTP at all\r\n\r\n")]
    [InlineData("LARGE")]
    public async Task It_is_good_from_the_request_to_the_last_byte_of_the_answer(string reply)
    {
        // Proves that the function finds it good while it works, and that a client that has the whole answer, of any
        // framing, size or kind of failure, finds it dead; by asking at both moments, ten times on one connection.
        await using MemoryGateway gateway = new(Policies.Standard);
        List<(Guid Call, bool IsGood)> seen = [];
        if (reply == "LARGE")
            reply = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + new string('x', 300_000);
        gateway.Upstream.Script = async session =>
        {
            while (await session.ReadAsync() is { } request)
            {
                Guid call = Guid.Parse(request.Field("Countersign-Call")!);
                seen.Add((call, gateway.Handler.HasLent(call)));
                await session.WriteAsync(reply);
            }
        };
        MemoryClient client = gateway.Connect();
        for (int turn = 0; turn < 10; turn++)
        {
            WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/billing/1"));
            (Guid call, bool isGood) = seen[turn];
            Assert.True(isGood);
            Assert.False(gateway.Handler.HasLent(call));
            Assert.NotEqual(0, answer.Status);
            if (answer.Status == 502) client = gateway.Connect();
        }
    }

    [Fact]
    public async Task It_is_dead_when_the_client_or_the_upstream_is_gone()
    {
        // Proves that a call that ends in no answer ends its credential: the upstream resets, then the client leaves.
        await using MemoryGateway gateway = new(Policies.Standard);
        Guid call = default;
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            WireMessage request = (await session.ReadAsync())!;
            call = Guid.Parse(request.Field("Countersign-Call")!);
            await session.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf");
            arrived.SetResult();
            session.Reset();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/billing/1"));
        await arrived.Task;
        client.Close();
        await client.ServedAsync();
        Assert.False(gateway.Handler.HasLent(call));
    }

    [Fact]
    public async Task One_that_several_calls_use_names_no_gateway()
    {
        // Proves that only a credential for one call says where its end can be asked for; by the claims of both.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        await client.CallAsync(Requests.Get(gateway, "/people/1"));
        await client.CallAsync(Requests.Get(gateway, "/billing/1"));
        string[] claims =
        [
            .. gateway.Upstream.Requests.Select(one => Encoding.UTF8.GetString(System.Buffers.Text.Base64Url
                .DecodeFromChars(one.Field("Authorization")!.Split('.')[1]))),
        ];
        Assert.DoesNotContain("\"gateway\"", claims[0], StringComparison.Ordinal);
        Assert.Contains("\"gateway\":\"gateway-1/test\"", claims[1], StringComparison.Ordinal);
    }
}
