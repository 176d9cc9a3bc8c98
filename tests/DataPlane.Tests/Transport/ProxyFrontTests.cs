using System.Net;
using System.Text;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Transport;

/// <summary>The PROXY header in front of calls: who is believed, and what is done with the rest.</summary>
public sealed class ProxyFrontTests
{
    private const string Header = "PROXY TCP4 203.0.113.9 198.51.100.2 56324 443\r\n";

    // In-memory clients come from 192.0.2.7.
    private static readonly IPNetwork Near = IPNetwork.Parse("192.0.2.0/24");
    private static readonly IPNetwork Far = IPNetwork.Parse("198.51.100.0/24");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_named_client_is_the_one_that_calls(bool isRequired)
    {
        // Proves that the header's source is told upstream for every call of the connection, wherever it is cut.
        await using MemoryGateway gateway = new(Policies.Standard, proxy: new([Far, Near], isRequired));
        string request = Requests.Get(gateway, "/raw/1");
        for (int split = 1; split < Header.Length; split += 7)
        {
            MemoryClient client = gateway.Connect();
            await client.SendAsync(Header[..split]);
            WireMessage answer = await client.CallAsync(Header[split..] + request);
            Assert.Equal(200, answer.Status);
            Assert.Equal(200, (await client.CallAsync(request)).Status);
        }

        Assert.All(
            gateway.Upstream.Requests, received => Assert.Equal("203.0.113.9", received.Field("X-Forwarded-For")));
    }

    [Fact]
    public async Task A_header_that_names_nobody_leaves_the_peer()
    {
        // Proves LOCAL and UNKNOWN: the balancer's own address is the client's.
        await using MemoryGateway gateway = new(Policies.Standard, proxy: new([Near], true));
        string request = Requests.Get(gateway, "/raw/1");
        MemoryClient first = gateway.Connect(), second = gateway.Connect();
        Assert.Equal(200, (await first.CallAsync("PROXY UNKNOWN\r\n" + request)).Status);
        Assert.Equal(200, (await second.CallAsync("\r\n\r\n\0\r\nQUIT\n \0\0\0" + request)).Status);
        Assert.All(
            gateway.Upstream.Requests, received => Assert.Equal("192.0.2.7", received.Field("X-Forwarded-For")));
    }

    [Theory]
    [InlineData(Header)]
    [InlineData("\r\n\r\n\0\r\nQUIT\n!\u0011\0\u000c\u0001\u0002\u0003\u0004\u0001\u0002\u0003\u0004\0\u0001\0\u0001")]
    public async Task From_anywhere_else_it_is_no_http(string header)
    {
        // Proves that a client outside the networks cannot name itself: 400, no call.
        await using MemoryGateway gateway = new(Policies.Standard, proxy: new([Far], false));
        WireMessage answer = await gateway.Connect().CallAsync(header + Requests.Get(gateway, "/raw/1"));
        Assert.Equal(400, answer.Status);
        Assert.Empty(gateway.Upstream.Requests);
    }

    [Fact]
    public async Task Without_a_header_a_connection_is_served_only_where_none_is_required()
    {
        // Proves required: closed without an answer; and its absence: served under the peer's own address.
        await using MemoryGateway strict = new(Policies.Standard, proxy: new([Near], true));
        MemoryClient refused = strict.Connect();
        await refused.SendAsync(Requests.Get(strict, "/raw/1"));
        await refused.ServedAsync();
        Assert.Empty(strict.Upstream.Requests);
        await using MemoryGateway lax = new(Policies.Standard, proxy: new([Near], false));
        Assert.Equal(200, (await lax.Connect().CallAsync(Requests.Get(lax, "/raw/1"))).Status);
        Assert.Equal("192.0.2.7", Assert.Single(lax.Upstream.Requests).Field("X-Forwarded-For"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("PROXY TCP4 203.0.113.9")]
    public async Task A_header_that_takes_too_long_is_ended(string sent)
    {
        // Proves the deadline, for a peer that sends nothing and for one that begins and stops.
        await using MemoryGateway gateway = new(Policies.Standard, proxy: new([Near], true));
        MemoryClient client = gateway.Connect();
        if (sent.Length > 0) await client.SendAsync(sent);
        gateway.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(client.Served.IsCompleted);
        gateway.Advance(TimeSpan.FromSeconds(0.2));
        await client.ServedAsync();
        Assert.Equal(0, gateway.Handler.Count);
    }

    [Fact]
    public async Task It_comes_before_tls()
    {
        // Proves the order: the header in the clear, then the handshake, and the client's address behind both.
        using TestCertificates certificates = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        (string certificate, string key) = certificates.IssueFiles("gateway.test");
        await using MemoryGateway gateway = new(
            Policies.Standard, tls: new() { Certificates = [new(certificate, key)] }, proxy: new([Near], true));
        MemoryClient raw = gateway.Connect();
        await raw.SendAsync(Encoding.ASCII.GetBytes(Header));
        using TlsPeer client = await TlsPeer.AsClientAsync(raw.Connection);
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
        Assert.Equal("203.0.113.9", Assert.Single(gateway.Upstream.Requests).Field("X-Forwarded-For"));
    }
}
