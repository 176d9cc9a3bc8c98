using System.Text;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Faults;

/// <summary>Peers that end their own side only, and go on reading.</summary>
public sealed class HalfCloseTests
{
    [Theory]
    [InlineData(Stage.Connect)]
    [InlineData(Stage.Intent)]
    [InlineData(Stage.Answer)]
    [InlineData(Stage.Body)]
    [InlineData(Stage.MaskedBody)]
    public async Task A_client_that_has_said_all_gets_its_answer(Stage stage)
    {
        // Proves that the end of the client's bytes is not the end of the client: the whole answer, then an orderly
        // end.
        await using Scene scene = new(stage);
        await scene.ReachAsync();
        Task<byte[]> reading = scene.Client.ReadToEndAsync();
        scene.GoOn();
        string answer = Encoding.Latin1.GetString(await reading);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n{\"a\":1234567890}", answer, StringComparison.Ordinal);
        Assert.False(scene.Client.Connection.WasAborted);
        Assert.Equal("ok", await scene.EndAsync());
    }

    [Fact]
    public async Task Everything_that_was_pipelined_before_is_answered()
    {
        // Proves that three requests and an end in one go are three answers and an end.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = request => ScriptedUpstream.Json($"\"{request.Line.Split(' ')[1]}\"");
        MemoryClient client = gateway.Connect();
        await client.SendAsync(string.Concat(
            Enumerable.Range(1, 3).Select(one => Requests.Get(gateway, $"/raw/{one}"))));
        await client.Connection.FarOutput.CompleteAsync();
        for (int one = 1; one <= 3; one++) Assert.Equal($"\"/raw/{one}\"", (await client.ReadAsync())!.Text);
        Assert.Null(await client.ReadAsync());
        await client.ServedAsync();
        Assert.False(client.Connection.WasAborted);
        Leftovers.None(gateway);
    }

    [Fact]
    public async Task What_follows_an_unanswered_call_is_not_answered_in_its_place()
    {
        // Proves that a client which ended its side while its call was held gets no answer to the request behind it:
        // it would take that for the held one's.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = _ => parked.TrySetResult();
        MemoryClient client = gateway.Connect();
        await client.SendAsync(
            Requests.Post(gateway, "/billing/7/holds", "{}") + Requests.Get(gateway, "/raw/1"));
        await parked.Task;
        client.Connection.EndFar();
        Assert.Empty(await client.ReadToEndAsync());
        await client.ServedAsync();
        Assert.Empty(gateway.Upstream.Requests);
        Leftovers.None(gateway);
    }

    [Fact]
    public async Task A_call_that_is_told_at_once_is_told_though_the_client_has_said_all()
    {
        // Proves that an end of the client's side which the transport has told already does not swallow a 428 that
        // nobody waits for, nor the answer behind it.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        client.Connection.TellFar();
        await client.SendAsync(Requests.Post(gateway, "/billing/7/refunds", "{}") + Requests.Get(gateway, "/raw/1"));
        client.Connection.EndFar();
        Assert.Equal(428, (await client.ReadAsync())!.Status);
        Assert.Equal(200, (await client.ReadAsync())!.Status);
        Assert.Null(await client.ReadAsync());
    }

    [Theory]
    [InlineData(Stage.Head, null)]
    [InlineData(Stage.HeldBody, "client-gone")]
    [InlineData(Stage.StreamedBody, "client-gone")]
    public async Task A_request_that_never_ends_is_not_answered(Stage stage, string? verdict)
    {
        // Proves that half a request is no request: nothing is answered, and nothing is left behind.
        await using Scene scene = new(stage);
        await scene.ReachAsync();
        Assert.Empty(await scene.Client.ReadToEndAsync());
        scene.GoOn();
        Assert.Equal(verdict, await scene.EndAsync());
    }

    [Fact]
    public async Task An_upstream_that_has_said_all_is_read_to_its_end()
    {
        // Proves that an answer without framing ends where the upstream's bytes do, though it still reads; that the
        // client gets it whole and goes on; and that the connection is not used again.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync("HTTP/1.1 200 OK\r\n\r\nhello");
            await session.Connection.FarOutput.CompleteAsync();
            Assert.Null(await session.ReadAsync());
        };
        MemoryClient client = gateway.Connect();
        for (int call = 1; call <= 2; call++)
        {
            WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/raw/1"));
            Assert.Equal((200, "hello", true), (answer.Status, answer.Text, answer.IsWhole));
            Assert.Equal(call, gateway.Upstream.Dials);
        }

        client.Close();
        await client.ServedAsync();
        Leftovers.None(gateway);
    }

    [Fact]
    public async Task An_upstream_that_answers_and_ends_before_it_has_read_all_is_believed()
    {
        // Proves that an early answer followed by the upstream's end reaches the client whole, which then is let go.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Script = async session =>
        {
            await session.WaitForAsync(50);
            await session.WriteAsync("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
            await session.Connection.FarOutput.CompleteAsync();
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Head(gateway, "POST", "/raw/1", "Content-Length: 100000\r\n") + "some");
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal((413, "big", "close"), (answer.Status, answer.Text, answer.Field("Connection")));
        client.Close();
        await client.ServedAsync();
        Leftovers.None(gateway);
    }
}
