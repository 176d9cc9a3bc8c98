using Countersign.Cli.Configuration;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>Settings from the environment, which has no order of its own.</summary>
public sealed class EnvironmentOrderTests
{
    [Fact]
    public void A_list_is_the_same_in_whatever_order_its_variables_come()
    {
        // Proves it with twelve addresses, so that ten must not come before two, last variable first.
        Dictionary<string, string> environment = [];
        for (int index = 11; index >= 0; index--)
        {
            environment[$"COUNTERSIGN__DATA__LISTEN__{index}"] = $"127.0.0.1:{7_000 + index}";
        }

        environment["COUNTERSIGN__STORE__REDIS"] = "127.0.0.1:6379";
        environment["COUNTERSIGN__IDENTITY__ISSUERS__0__AUDIENCES__0"] = "gateway";
        environment["COUNTERSIGN__IDENTITY__ISSUERS__0__ISSUER"] = "https://issuer.test";
        ConfigurationReading reading = ConfigurationReader.Read(null, environment, new ConfigurationFlags(), "here");
        Assert.Empty(reading.Errors);
        Assert.Equal(Enumerable.Range(7_000, 12), reading.Options!.DataListen.Select(endpoint => endpoint.Port));
    }
}
