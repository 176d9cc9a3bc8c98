using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Countersign.DataPlane;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Wire;

/// <summary>Runs alone: other tests would allocate into its figure.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class Alone;

/// <summary>What a connection costs while it only waits for its next request.</summary>
[Collection("alone")]
public sealed class IdleCostTests(ITestOutputHelper output)
{
    // What an idle connection may cost, managed and native together.
    private const int BytesMax = 4_096;

    private const int Connections = 2_000;

    // As many as a busy gateway of one machine has; fewer where the descriptors do not suffice.
    private const int ManyConnections = 10_000;
    private const int ManyConnectionsMin = 2_000;

    [Fact]
    public async Task An_idle_connection_is_small_on_the_heap()
    {
        // Proves it of the managed half: the heap before and after 2,000 connections that have each made one call, less
        // what the clients' own sockets take of it.
        await using WireGateway gateway = await WireGateway.StartAsync(
            DataPlaneListener.SupportsIoUring ? DataTransport.IoUring : DataTransport.Epoll);
        string address = gateway.Listener.Addresses[0];
        byte[] request = Encoding.ASCII.GetBytes(gateway.Head("GET", "/raw/1"));
        List<Socket> clients = new(Connections);
        for (int index = 0; index < 64; index++) await CallAsync(address, request);
        await gateway.QuietAsync();
        double own = ManyClients.SocketBytes();
        long before = ManyClients.Heap();
        while (clients.Count < Connections) clients.Add(ManyClients.Connect(address));
        long connected = ManyClients.Heap();
        foreach (Socket client in clients) await CallAsync(client, request);
        long called = ManyClients.Heap();
        double each = (called - before) / (double)Connections - own;
        output.WriteLine($"{(connected - before) / (double)Connections - own:F0} B connected, "
            + $"{each:F0} B after a call, beside the client's own {own:F0} B");
        foreach (Socket client in clients) client.Dispose();
        await gateway.QuietAsync();
        Assert.InRange(each, 0, BytesMax);
    }

    [Fact]
    public async Task Ten_thousand_idle_connections_are_small_in_the_process()
    {
        // Proves it of the whole process as it is served, by its resident memory before and after. What the collector
        // has not taken yet counts as well, so it is given the same work before the first look as between the two, and
        // a bound for what it leaves that does not grow with the machine's caches; and since it takes some when it
        // likes, a process that seems too large is tried once more, from its start.
        int count = Math.Min(ManyConnections, ManyClients.DescriptorsMax() - 1_000);
        Assert.SkipWhen(count < ManyConnectionsMin, "the process may not open enough connections");
        double each = await GrowthAsync(count);
        if (each > BytesMax) each = Math.Min(each, await GrowthAsync(count));
        Assert.InRange(each, double.MinValue, BytesMax);
    }

    private async Task<double> GrowthAsync(int count)
    {
        await using Backends backends = await Backends.StartAsync();
        using ServeSetup setup = new(backends.Issuer, Backends.Audience, ServeSetup.Policy(backends.Upstream));
        setup.SetVariable("DOTNET_GCgen0size", "400000");   // 4 MiB, in hexadecimal
        await using CountersignProcess gateway = await setup.StartAsync(
            "embedded", "audit", ("LIMITS__CONNECTIONSMAX", "20000"), ("LIMITS__CONNECTIONSPERADDRESSMAX", "20000"));
        string address = gateway.Ready["data"]!.ToString();
        byte[] request = Encoding.ASCII.GetBytes(
            $"GET /people/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {backends.TokenOf("alice")}\r\n\r\n");
        for (int index = 0; index < count; index++) await CallAsync(address, request);
        long before = gateway.ResidentBytes;
        List<Socket> clients = new(count);
        for (int index = 0; index < count; index++)
        {
            clients.Add(ManyClients.Connect(address));
            await CallAsync(clients[^1], request);
        }

        long grown = gateway.ResidentBytes - before;
        output.WriteLine($"{grown / (double)count:F0} B per connection of {count}, from {before / 1e6:F0} MB");
        foreach (Socket client in clients) await CallAsync(client, request);
        foreach (Socket client in clients) client.Dispose();
        return grown / (double)count;
    }

    private static async Task CallAsync(string address, byte[] request)
    {
        using Socket client = ManyClients.Connect(address);
        await CallAsync(client, request);
    }

    private static async Task CallAsync(Socket client, byte[] request)
    {
        byte[] answer = ArrayPool<byte>.Shared.Rent(4_096);
        client.Send(request);
        int count = client.Receive(answer);
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(answer, 0, count), StringComparison.Ordinal);
        ArrayPool<byte>.Shared.Return(answer);
        await Task.Yield();
    }
}
