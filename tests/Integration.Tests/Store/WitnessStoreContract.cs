using System.Text;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>What the mailbox of witnesses must do, whichever server answers.</summary>
public abstract class WitnessStoreContract(StoreServer server) : IAsyncLifetime
{
    private RedisStore _store = null!;
    private RedisWitnessStore _witnesses = null!;

    public async ValueTask InitializeAsync()
    {
        await server.CommandAsync("FLUSHALL");
        _store = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        _witnesses = new RedisWitnessStore(_store);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Logs_find_each_other_and_their_mail()
    {
        // Proves that each sees the others and not itself, with what they ask of it, what it answered and what they
        // answered it, and nobody else's.
        Assert.Empty((await _witnesses.RenewAsync("a+1", Bytes("box a")))!);
        WitnessPeer met = Assert.Single((await _witnesses.RenewAsync("b+2", Bytes("box b")))!);
        Assert.Equal(("a+1", "box a", "", "", ""), Told(met));
        Assert.True(await _witnesses.AskAsync("a+1", "b+2", Bytes("ask")));
        Assert.True(await _witnesses.AnswerAsync("a+1", "b+2", Bytes("answer")));
        await _witnesses.RenewAsync("c+3", Bytes("box c"));
        Assert.Equal(
            [("a+1", "box a", "ask", "answer", ""), ("c+3", "box c", "", "", "")],
            (await _witnesses.RenewAsync("b+2", Bytes("box b")))!.Select(Told));
        Assert.Equal(
            [("b+2", "box b", "", "", "answer"), ("c+3", "box c", "", "", "")],
            (await _witnesses.RenewAsync("a+1", Bytes("box a")))!.Select(Told).OrderBy(one => one.Item1));
    }

    [Fact]
    public async Task A_silent_log_is_no_witness_and_its_head_is_kept()
    {
        // Proves that what lives is told by the store's clock, that a head outlives its gateway, and that it goes in
        // the end.
        await _witnesses.RenewAsync("a+1", Bytes("box a"));
        Assert.True(await _witnesses.PublishAsync("a+1", Bytes("head")));
        await SilenceAsync("a+1", RedisWitnessStore.LiveFor);
        Assert.Empty((await _witnesses.RenewAsync("b+2", Bytes("box b")))!);
        Assert.Equal("head", Encoding.UTF8.GetString((await _witnesses.HeadAsync("a+1"))!.Value.Span));
        Assert.Equal(0, (await _witnesses.HeadAsync("b+2"))!.Value.Length);
        await SilenceAsync("a+1", RedisWitnessStore.KeptFor);
        await _witnesses.RenewAsync("b+2", Bytes("box b"));
        Assert.Equal(0, (await _witnesses.HeadAsync("a+1"))!.Value.Length);
        Assert.False((bool)await server.CommandAsync("HEXISTS", StoreKeys.Logs, "a+1"));
    }

    private async Task SilenceAsync(string log, TimeSpan silence)
    {
        RedisResult time = await server.CommandAsync("TIME");
        long now = ((long)time[0] * 1_000) + ((long)time[1] / 1_000);
        await server.CommandAsync("ZADD", StoreKeys.LogsSeen, now - (long)silence.TotalMilliseconds - 1, log);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static (string, string, string, string, string) Told(WitnessPeer peer) =>
        (peer.Log, Text(peer.Box), Text(peer.Ask), Text(peer.Answered), Text(peer.Answer));

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}

/// <summary>The contract on Redis.</summary>
public sealed class RedisWitnessStoreTests(RedisServer server)
    : WitnessStoreContract(server), IClassFixture<RedisServer>;

/// <summary>The contract on the embedded store.</summary>
public sealed class GarnetWitnessStoreTests(GarnetServer server)
    : WitnessStoreContract(server), IClassFixture<GarnetServer>;
