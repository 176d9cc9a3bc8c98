using System.Text.Json;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>Clients that are slow on purpose: with their head, their body, their reading, or with saying
/// anything.</summary>
public sealed class PaceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1, 408)]
    [InlineData(300, 200)]
    public async Task A_head_that_drips_is_cut(int bytesPerSecond, int status)
    {
        // Proves the least rate of heads: a byte a second is told 408 long before headWithin, 300 a second pass.
        await using MemoryGateway gateway = new(Policies.Standard, new Limits { HeadWithin = TimeSpan.FromMinutes(1) });
        MemoryClient client = gateway.Connect();
        string request = Requests.Get(gateway, "/raw/1", $"X: {new string('x', 2_000)}\r\n");
        int sent = 0;
        for (int turn = 0; turn < 12 && sent < request.Length; turn++)
        {
            int count = Math.Min(bytesPerSecond, request.Length - sent);
            await client.SendAsync(request.Substring(sent, count));
            sent += count;
            gateway.Advance(Second);
        }

        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal(status, answer.Status);
        if (status == 200) return;
        Assert.Equal("urn:countersign:request-timeout", answer.Json.GetProperty("type").GetString());
        Assert.Equal("close", answer.Field("Connection"));
    }

    [Fact]
    public async Task A_head_is_bounded_at_any_rate()
    {
        // Proves headWithin: fast enough and without end is 408 when the time is up.
        Limits limits = new() { HeadWithin = TimeSpan.FromSeconds(8), HeadBytesMax = 65_536 };
        await using MemoryGateway gateway = new(Policies.Standard, limits);
        MemoryClient client = gateway.Connect();
        await client.SendAsync("GET /raw/1 HTTP/1.1\r\nX: ");
        for (int turn = 0; turn < 9; turn++)
        {
            await client.SendAsync(new string('x', 1_000));
            gateway.Advance(Second);
        }

        Assert.Equal(408, (await client.ReadAsync())!.Status);
    }

    [Theory]
    [InlineData("/raw/1", 1, 408)]
    [InlineData("/raw/1", 300, 200)]
    [InlineData("/billing/a1/refunds", 1, 408)]
    [InlineData("/billing/a1/refunds", 300, 428)]
    public async Task A_body_that_drips_is_cut(string target, int bytesPerSecond, int status)
    {
        // Proves the least rate of bodies, streamed or held: no answer has begun, so the client is told.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        string body = "\"" + new string('x', 2_998) + "\"";
        string request = Requests.Post(gateway, target, body);
        await client.SendAsync(request[..^body.Length]);
        int sent = 0;
        for (int turn = 0; turn < 12 && sent < body.Length; turn++)
        {
            int count = Math.Min(bytesPerSecond, body.Length - sent);
            await client.SendAsync(body.Substring(sent, count));
            sent += count;
            if (sent < body.Length) gateway.Advance(TimeSpan.FromMilliseconds(900));
        }

        Assert.Equal(status, (await client.ReadAsync())!.Status);
        if (status != 408) return;
        JsonElement outcome = (await gateway.CloseAuditAsync())[^1];
        Assert.Equal("request-timeout", outcome.GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData(1_024, false)]
    [InlineData(100_000, true)]
    public async Task A_reader_below_the_least_rate_is_reset(int bytesPerSecondMin, bool isReset)
    {
        // Proves the least rate of answers: 80 kB that nobody takes may wait a minute at 1 KiB/s, not six seconds.
        await using MemoryGateway gateway = new(
            Policies.Standard, new Limits { AnswerBytesPerSecondMin = bytesPerSecondMin });
        string body = new('x', 80_000);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(body);
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/raw/1"));
        for (int turn = 0; turn < 6; turn++) gateway.Advance(Second);
        if (isReset)
        {
            await client.ServedAsync();
            Assert.True(client.Connection.WasAborted);
            return;
        }

        Assert.Equal(80_000, (await client.ReadAsync())!.Body.Length);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public async Task A_connection_that_says_nothing_is_closed_without_a_word()
    {
        // Proves keepAliveIdle before the first call and between calls: no answer to what was not asked.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient silent = gateway.Connect(), quiet = gateway.Connect();
        Assert.Equal(200, (await quiet.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        gateway.Advance(TimeSpan.FromSeconds(119));
        Assert.Equal(2, gateway.Handler.Count);
        gateway.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(await silent.ReadToEndAsync());
        Assert.Empty(await quiet.ReadToEndAsync());
        await silent.ServedAsync();
        await quiet.ServedAsync();
        Assert.Empty((await gateway.CloseAuditAsync()).Where(
            record => record.GetProperty("type").GetString() == "outcome").Skip(1));
    }

    [Fact]
    public void Waiting_spends_and_bytes_earn()
    {
        // Proves the account by its sums: five seconds at first, a second for each 100 bytes, thirty at most, and
        // nothing while nobody waits.
        FakeTimeProvider clock = new();
        Deadline deadline = new(clock);
        ReadPace pace = new(deadline, clock);
        bool PassesAfter(double seconds) => deadline.Passes(
            clock.GetTimestamp() + (long)(seconds * clock.TimestampFrequency));
        pace.Begin(100, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30));
        pace.Wait(TimeSpan.FromMinutes(1), 0);
        Assert.Equal((false, true), (PassesAfter(4.9), PassesAfter(5)));
        clock.Advance(TimeSpan.FromSeconds(4));
        pace.Rest();
        clock.Advance(TimeSpan.FromHours(1));
        Assert.False(PassesAfter(3_600));
        pace.Wait(TimeSpan.FromMinutes(1), 200);
        Assert.Equal((false, true), (PassesAfter(2.9), PassesAfter(3)));
        pace.Wait(TimeSpan.FromMinutes(1), 1_000_000);
        Assert.Equal((false, true), (PassesAfter(29), PassesAfter(30)));
        pace.Wait(TimeSpan.FromSeconds(2), 1_000_000);
        Assert.True(PassesAfter(2));
    }
}
