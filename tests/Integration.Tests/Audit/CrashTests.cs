using System.Globalization;
using System.Net.Sockets;
using Countersign.Audit;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Store;
using Xunit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>
/// Gateways that are killed at random points under load. <c>COUNTERSIGN_CRASHES</c> says how often; a few by default,
/// since each is a start of a process.
/// </summary>
public sealed class CrashTests
{
    private const int CrashesUsually = 4;
    private const int ClientsAtOnce = 16;

    [Fact]
    public async Task What_reached_a_function_has_its_intent_whenever_the_gateway_dies()
    {
        // Proves, with high-risk calls on many connections and a kill at a random time, that after each restart the log
        // verifies and holds the intent of every call that a function saw; that each such call has exactly one outcome
        // by then, told or unknown; and that no call was seen twice.
        int crashes = int.TryParse(
            Environment.GetEnvironmentVariable("COUNTERSIGN_CRASHES"), CultureInfo.InvariantCulture, out int asked)
            ? asked
            : CrashesUsually;
        int seed = Environment.TickCount;
        Random chance = new(seed);
        await using RedisServer redis = new();
        await redis.StartAsync();
        await using SeeingUpstream upstream = new();
        await using Backends backends = await Backends.StartAsync();
        string upstreams = $"  seen: {{ endpoints: [\"{upstream.Address}\"], credential: {{ broker: none }} }}\n";
        const string Functions = "  seen.do: { upstream: seen, method: POST, path: \"/seen/{id}\", risk: high }\n";
        const string Rules =
            "  - { id: seen, subjects: { groups: [support] }, functions: [seen.do], effect: allow }\n";
        using ServeSetup setup = new(
            backends.Issuer, Backends.Audience,
            ServeSetup.Policy(backends.Upstream, upstreams, Functions, Rules));
        string folder = Path.Combine(setup.Folder, "crashed");
        for (int crash = 1; crash <= crashes; crash++)
        {
            await using CountersignProcess gateway = await setup.StartAsync(redis.Connection, "crashed");
            await RunUntilKilledAsync(gateway, backends.TokenOf("alice"), chance.Next(5, 400), upstream);
        }

        await using (CountersignProcess last = await setup.StartAsync(redis.Connection, "crashed"))
        {
            await last.StopAsync();
        }

        AuditVerification found = AuditVerifier.Verify(folder);
        Assert.True(found.IsOk, $"seed {seed}: {found.Message}");
        CallCounts counts = CallCounts.Of(folder);
        Assert.NotEmpty(upstream.Seen);
        foreach ((string call, int times) in upstream.Seen)
        {
            Assert.True(times == 1, $"seed {seed}: {call} reached the function {times} times");
            Assert.True(counts.Intents.GetValueOrDefault(call) == 1, $"seed {seed}: {call} has no intent");
            Assert.True(counts.Outcomes.GetValueOrDefault(call) == 1, $"seed {seed}: {call} has no single outcome");
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{crashes} crashes, {upstream.Seen.Count} calls seen, {counts.Intents.Count} intents, seed {seed}");
    }

    private static async Task RunUntilKilledAsync(
        CountersignProcess gateway, string token, int milliseconds, SeeingUpstream upstream)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        Uri url = new(gateway.Ready["data"] + "/seen/1");
        int before = upstream.Seen.Count;
        using CancellationTokenSource end = new();
        Task[] clients = [.. Enumerable.Range(0, ClientsAtOnce).Select(_ => CallAsync(http, url, end.Token))];
        await Until.TrueAsync(() => Task.FromResult(upstream.Seen.Count > before));
        await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
        await gateway.KillAsync();
        await end.CancelAsync();
        await Task.WhenAll(clients);
    }

    private static async Task CallAsync(HttpClient http, Uri url, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                using HttpResponseMessage answer = await http.PostAsync(url, null, cancellation);
            }
            catch (Exception fault)
                when (fault is HttpRequestException or SocketException or OperationCanceledException)
            {
                return;
            }
        }
    }
}
