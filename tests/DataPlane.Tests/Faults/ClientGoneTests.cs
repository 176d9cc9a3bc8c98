using System.Text;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Faults;

/// <summary>Clients that go away, at every stage of a call, in order or by a reset.</summary>
public sealed class ClientGoneTests
{
    [Theory]
    [InlineData(Stage.Connected, null)]
    [InlineData(Stage.Head, null)]
    [InlineData(Stage.HeldBody, "client-gone")]
    [InlineData(Stage.StreamedBody, "client-gone")]
    [InlineData(Stage.Identity, "client-gone")]
    [InlineData(Stage.Approval, "client-gone")]
    [InlineData(Stage.Intent, "client-gone")]
    [InlineData(Stage.Connect, "client-gone")]
    [InlineData(Stage.Answer, "client-gone")]
    [InlineData(Stage.Body, "client-gone")]
    [InlineData(Stage.MaskedBody, "client-gone")]
    [InlineData(Stage.Done, "ok")]
    public async Task A_client_that_goes_leaves_nothing_behind(Stage stage, string? verdict)
    {
        // Proves for both ways to go that the call is written down as what became of it, that every place, lease and
        // connection is given back, and that the next client is served. Before a whole head there is no call.
        foreach (bool resets in (bool[])[false, true])
        {
            await using Scene scene = new(stage);
            await scene.ReachAsync();
            if (resets) scene.Client.Connection.ResetFar();
            else scene.Client.Close();
            scene.GoOn();
            Assert.Equal(verdict, await scene.EndAsync());
        }
    }

    [Theory]
    [InlineData(Stage.Answer, 6, "upstream-timeout")]
    [InlineData(Stage.Body, 61, "client-gone")]
    [InlineData(Stage.MaskedBody, 61, "upstream-timeout")]
    public async Task A_client_that_goes_does_not_wait_for_an_upstream_that_never_ends(
        Stage stage, int seconds, string verdict)
    {
        // Proves that the upstream's own time bounds what a client that has left keeps busy.
        await using Scene scene = new(stage);
        await scene.ReachAsync();
        scene.Client.Close();
        for (int second = 0; second < seconds; second++) scene.Gateway.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(verdict, await scene.EndAsync());
    }

    [Fact]
    public async Task A_streamed_body_that_breaks_off_breaks_off_upstream_too()
    {
        // Proves that the upstream never takes half a request for a whole one: its connection ends before its length.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource<WireMessage?> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session => seen.SetResult(await session.ReadAsync());
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 100\r\n") + "half");
        client.Close();
        await client.ServedAsync();
        WireMessage request = (await seen.Task)!;
        Assert.Equal(("half", false), (request.Text, request.IsWhole));
        Leftovers.None(gateway);
    }

    [Theory]
    [InlineData("/raw/1", "text/plain")]
    [InlineData("/people/1", "application/json")]
    public async Task An_endless_answer_ends_with_its_client(string target, string type)
    {
        // Proves that an upstream which never pauses is cut as soon as nobody takes its answer, passed or masked:
        // its own bytes find no reader long before it has sent them all.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource<int> sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        byte[] piece = Encoding.ASCII.GetBytes($"\"{new string('x', 16_000)}\"\n");
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\n\r\n");
            int count = 0;
            while (count < 10_000 && !(await session.Connection.FarOutput.WriteAsync(piece)).IsCompleted) count++;
            sent.SetResult(count);
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, target));
        await client.WaitForAsync(100_000);
        client.Close();
        await client.ServedAsync();
        Assert.InRange(await sent.Task, 1, 1_000);
        Assert.Equal("client-gone", (await gateway.CloseAuditAsync())[^1].GetProperty("verdict").GetString());
        Leftovers.None(gateway);
    }
}
