using System.Net;
using Countersign.DataPlane.Upstream;
using Countersign.Kit;
using Countersign.Policy;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.DataPlane.Tests.Upstream;

/// <summary>The upstreams of one policy over a scripted dialer and resolver, on a clock that a test moves.</summary>
internal sealed class PoolFixture
{
    internal PoolFixture(string terms, ulong seed = 1)
    {
        Pools = new UpstreamPools(
            new UpstreamParts(Upstream, Upstream, new Limits(), Clock, new Chance(seed), new UpstreamMetrics(),
                NullLogger.Instance),
            InForce);
        Publish(terms);
    }

    internal FakeTimeProvider Clock { get; } = new();

    internal ScriptedUpstream Upstream { get; } = new();

    internal PolicyInForce InForce { get; } = new();

    internal UpstreamPools Pools { get; }

    /// <summary>The one upstream.</summary>
    internal UpstreamGroup Group => Pools.GroupOf(InForce.Current!.Upstreams[0]);

    /// <summary>The endpoint at an address.</summary>
    internal EndpointPool At(string address) =>
        Assert.Single(Group.Members, member => member.Address.Address.Equals(IPAddress.Parse(address)));

    /// <summary>Puts a policy in force whose one upstream has these terms.</summary>
    internal void Publish(string terms)
    {
        string text = "apiVersion: countersign/v1\nupstreams: { up: { " + terms + " } }\n"
            + "functions: { f.a: { upstream: up, method: GET, path: /a, risk: low } }\nrules: []\n";
        PolicyReading reading = PolicyReader.Read(text, new MaskVocabulary(static _ => null, static _ => null));
        Assert.Empty(reading.Errors);
        InForce.Swap(reading.Snapshot!);
    }

    /// <summary>Moves the clock in heartbeats.</summary>
    internal void Advance(double seconds)
    {
        for (double passed = 0; passed < seconds; passed += 0.25)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(250));
            Pools.Beat();
        }
    }

    /// <summary>Takes a connection as a call does.</summary>
    internal async Task<UpstreamConnection?> TakeAsync(bool isStrict = false)
    {
        Assert.True(Group.TryEnter());
        if (Group.TryTake(isStrict, out EndpointPool? chosen) is { } kept) return kept;
        Connected connected = await Group.ConnectAsync(isStrict, chosen);
        if (connected.Connection is null) Group.Leave();
        return connected.Connection;
    }

    /// <summary>Where the next call goes; it is answered or fails, and its connection is dropped.</summary>
    internal async Task<string> CallAsync(CallResult result = CallResult.Unknown)
    {
        UpstreamConnection? connection = await TakeAsync();
        if (connection is null) return "";
        if (result == CallResult.Failed) connection.Fail();
        string address = connection.Address.ToString();
        connection.Release();
        return address;
    }
}
