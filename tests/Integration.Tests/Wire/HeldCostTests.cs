using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Countersign.DataPlane;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Integration.Tests.Store;
using Countersign.Kit;
using Xunit;

namespace Countersign.Integration.Tests.Wire;

/// <summary>What a call costs while it is held for an approval, with the connection that it came on.</summary>
[Collection("alone")]
public sealed class HeldCostTests(ITestOutputHelper output)
{
    // 64 MiB for 10,000 calls, beyond their bodies, as the process has them of the machine.
    private const double ResidentBytesMax = 64.0 * 1_048_576 / 10_000;

    // What lives of each; the rest of the above is what the collector keeps, or has not taken yet.
    private const int HeapBytesMax = 5_000;

    // The collector takes what it likes when it likes: the bound must hold in one of so many rounds.
    private const int Rounds = 3;

    private const int Calls = 2_000;
    private const int ManyCalls = 10_000;
    private const int ManyCallsMin = 2_000;

    // As many as are sent before a look at how far the gateway is.
    private const int Batch = 500;

    [Fact]
    public async Task A_held_call_is_small_on_the_heap()
    {
        // Proves it of what lives on the heap, connection included, less what the clients' own sockets take of it. The
        // approvals are filed before the first look: they are the store's.
        await using WireGateway gateway = await WireGateway.StartAsync(
            DataPlaneListener.SupportsIoUring ? DataTransport.IoUring : DataTransport.Epoll, new Limits
            {
                HoldMax = TimeSpan.FromHours(1),
                PendingApprovalsPerCaller = 10_000,
                ApprovalAsksPerMinute = 100_000,
            });
        string address = gateway.Listener.Addresses[0];
        double own = ManyClients.SocketBytes();
        string head = gateway.Head("POST", "/held/INDEX", "Content-Length: 2\r\nPREFER\r\n").Trim() + "\r\n\r\n{}";
        Ask(address, head, Calls);
        await gateway.QuietAsync();
        long before = ManyClients.Heap();
        List<Socket> clients = new(Calls);
        await HoldAsync(address, head, clients, Calls, () => Task.FromResult(gateway.Listener.Admission.Parked));
        double each = ((ManyClients.Heap() - before) / (double)Calls) - own;
        output.WriteLine($"{each:F0} B for each held call, beside the client's own {own:F0} B");
        foreach (Socket client in clients) client.Dispose();
        await gateway.QuietAsync();
        Assert.InRange(each, 0, HeapBytesMax);
    }

    [Fact]
    public async Task Ten_thousand_held_calls_are_small_in_the_process()
    {
        // Proves it of the whole process as it is served, by its resident memory before and after. The store is a
        // process of its own. What the collector has not taken yet counts as well, so it is given the same work before
        // the first look: every call is asked once without being held, as many at once, and
        // some are held and let go.
        int count = Math.Min(ManyCalls, ManyClients.DescriptorsMax() - 1_000);
        Assert.SkipWhen(count < ManyCallsMin, "the process may not open enough connections");
        RedisServer store = new();
        await store.StartAsync();
        await using StoreServer stopped = store;
        await using Backends backends = await Backends.StartAsync();
        using ServeSetup setup = new(backends.Issuer, Backends.Audience, ServeSetup.Policy(backends.Upstream));
        await using CountersignProcess gateway = await setup.StartAsync(
            store.Connection, "audit", ("LIMITS__CONNECTIONSMAX", "20000"),
            ("LIMITS__CONNECTIONSPERADDRESSMAX", "20000"), ("LIMITS__HOLDMAX", "1h"),
            ("LIMITS__PENDINGAPPROVALSPERCALLER", "10000"), ("LIMITS__APPROVALASKSPERMINUTE", "100000"));
        string address = gateway.Ready["data"]!.ToString();
        string head = "POST /billing/INDEX/refunds HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + $"Authorization: Bearer {backends.TokenOf("alice")}\r\nContent-Length: 2\r\nPREFER\r\n\r\n{{}}";
        Ask(address, head, count);
        using HttpClient http = new();
        Uri metrics = new(gateway.Ready["control"] + "/metrics");
        async Task<int> HeldAsync() => HeldOf(await http.GetStringAsync(metrics));
        List<Socket> clients = new(count);
        await HoldAsync(address, head, clients, Batch, HeldAsync);
        foreach (Socket client in clients) client.Dispose();
        clients.Clear();
        await Until.TrueAsync(async () => await HeldAsync() == 0);
        double least = double.MaxValue;
        for (int round = 0; round < Rounds && least > ResidentBytesMax; round++)
        {
            long before = gateway.ResidentBytes;
            await HoldAsync(address, head, clients, count, HeldAsync);
            least = (gateway.ResidentBytes - before) / (double)count;
            output.WriteLine($"{least:F0} B for each held call of {count}, from {before / 1e6:F0} MB");
            foreach (Socket client in clients) client.Dispose();
            clients.Clear();
            await Until.TrueAsync(async () => await HeldAsync() == 0);
        }

        Assert.InRange(least, double.MinValue, ResidentBytesMax);
    }

    private static void Ask(string address, string head, int count)
    {
        byte[] answer = new byte[4_096];
        Socket[] clients = new Socket[Batch];
        for (int index = 0; index < count; index += Batch)
        {
            for (int one = 0; one < Batch; one++)
            {
                clients[one] = ManyClients.Connect(address);
                clients[one].Send(Request(head, index + one, "Prefer: wait=0"));
            }

            foreach (Socket client in clients)
            {
                int bytes = client.Receive(answer);
                Assert.StartsWith("HTTP/1.1 428", Encoding.ASCII.GetString(answer, 0, bytes), StringComparison.Ordinal);
                client.Dispose();
            }
        }
    }

    private static async Task HoldAsync(
        string address, string head, List<Socket> clients, int count, Func<Task<int>> held)
    {
        while (clients.Count < count)
        {
            clients.Add(ManyClients.Connect(address));
            clients[^1].Send(Request(head, clients.Count - 1, "Prefer: wait=3600"));
            if (clients.Count % Batch != 0 && clients.Count != count) continue;
            await Until.TrueAsync(async () => await held() == clients.Count);
        }
    }

    private static byte[] Request(string head, int index, string prefer) => Encoding.ASCII.GetBytes(
        head.Replace("INDEX", index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("PREFER", prefer, StringComparison.Ordinal));

    private static int HeldOf(string metrics)
    {
        string line = metrics.Split('\n').First(
            one => one.StartsWith("countersign_calls_held", StringComparison.Ordinal));
        return (int)double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
