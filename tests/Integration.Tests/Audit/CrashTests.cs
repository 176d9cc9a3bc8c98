using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
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
        (Dictionary<string, int> intents, Dictionary<string, int> outcomes) = Count(folder);
        Assert.NotEmpty(upstream.Seen);
        foreach ((string call, int times) in upstream.Seen)
        {
            Assert.True(times == 1, $"seed {seed}: {call} reached the function {times} times");
            Assert.True(intents.GetValueOrDefault(call) == 1, $"seed {seed}: {call} has no intent");
            Assert.True(outcomes.GetValueOrDefault(call) == 1, $"seed {seed}: {call} has no single outcome");
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{crashes} crashes, {upstream.Seen.Count} calls seen, {intents.Count} intents, seed {seed}");
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
            catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException)
            {
                return;
            }
        }
    }

    private static (Dictionary<string, int> Intents, Dictionary<string, int> Outcomes) Count(string folder)
    {
        Dictionary<string, int> intents = [], outcomes = [];
        foreach (AuditEntry entry in AuditReader.Between(folder, 0, long.MaxValue))
        {
            string text = Encoding.UTF8.GetString(entry.Payload.Span);
            int at = text.IndexOf("\"call\":\"", StringComparison.Ordinal);
            if (at < 0) continue;
            string call = text.Substring(at + 8, 36);
            bool isIntent = text.StartsWith("{\"v\":1,\"type\":\"intent\"", StringComparison.Ordinal);
            Dictionary<string, int> counts = isIntent ? intents : outcomes;
            counts[call] = counts.GetValueOrDefault(call) + 1;
        }

        return (intents, outcomes);
    }

    /// <summary>A function that remembers which calls it saw, by the id that the gateway sends along.</summary>
    private sealed class SeeingUpstream : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private readonly Task _accepting;

        internal SeeingUpstream()
        {
            _listener.Start();
            Address = "http://" + _listener.LocalEndpoint;
            _accepting = AcceptAsync();
        }

        internal string Address { get; }

        internal ConcurrentDictionary<string, int> Seen { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            _listener.Stop();
            await _accepting;
            _end.Dispose();
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token));
            }
            catch (Exception fault) when (fault is OperationCanceledException or SocketException)
            {
                // It was stopped.
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            using TcpClient served = client;
            try
            {
                using StreamReader reader = new(client.GetStream(), Encoding.ASCII);
                while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 })
                {
                    string call = "";
                    while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
                    {
                        const string Field = "Countersign-Call: ";
                        if (line.StartsWith(Field, StringComparison.OrdinalIgnoreCase)) call = line[Field.Length..];
                    }

                    Seen.AddOrUpdate(call, 1, static (_, times) => times + 1);
                    await client.GetStream().WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray(), _end.Token);
                }
            }
            catch (Exception fault) when (fault is IOException or OperationCanceledException or SocketException)
            {
                // The gateway died, as it is meant to.
            }
        }
    }
}
