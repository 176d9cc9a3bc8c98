using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>How long the audit is kept, as it is configured.</summary>
public sealed class RetentionSettingsTests
{
    [Fact]
    public void Times_and_sizes_that_cannot_be_kept_to_are_told_together()
    {
        // Proves that both are errors of the configuration, told with their places, and not met when the log opens;
        // and that their least values, and none at all, are taken.
        Assert.Equal(
            ["audit.keepFor: must be 1h to 36500d", "audit.keepBytes: must be 134217728 (128 MiB)"],
            Read("""{ "keepFor": "10m", "keepBytes": 5 }""").Select(one => one.Split(" or", 2)[0].Split(",", 2)[0]));
        Assert.Empty(Read("""{ "keepFor": "1h", "keepBytes": 134217728 }"""));
        Assert.Empty(Read("""{ "keepFor": "0s", "keepBytes": 0 }"""));
        Assert.Empty(Read("{}"));
    }

    private static List<string> Read(string audit)
    {
        List<string> errors = [];
        ConfigurationSection section = new((JsonObject)JsonNode.Parse(audit)!, "audit", errors);
        AuditSettingsReader.Read(section, path => path);
        return errors;
    }
}
