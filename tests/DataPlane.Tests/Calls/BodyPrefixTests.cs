using Countersign.Kit;
using Countersign.Policy;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Functions that are named by the first bytes of their body.</summary>
public sealed class BodyPrefixTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(10)]
    [InlineData(1_000)]
    public async Task Resolve_sees_the_first_bytes_and_the_upstream_still_gets_all(int prefixBytes)
    {
        // Proves that a look at part of the body, all of it, or more than there is loses and repeats no byte.
        await using MemoryGateway gateway = new(Policies.Standard);
        Function function = gateway.InForce.Current!.Functions.First(one => one.Method == "POST" && !one.IsStrict);

        // No policy can ask for it before functions are named in bodies, so the compiled function is told by hand.
        typeof(Function).GetProperty(nameof(Function.BodyPrefixBytes))!.SetValue(function, prefixBytes);
        string target = function.Path.Replace("{id}", "1", StringComparison.Ordinal);
        MemoryClient client = gateway.Connect();
        Assert.Equal(200, (await client.CallAsync(Requests.Post(gateway, target, "0123456789"))).Status);
        Assert.Equal("0123456789", Assert.Single(gateway.Upstream.Requests).Text);
    }
}
