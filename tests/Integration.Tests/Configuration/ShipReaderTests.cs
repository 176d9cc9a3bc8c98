using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>Destinations of the audit as they are configured.</summary>
public sealed class ShipReaderTests
{
    [Theory]
    [InlineData("""{ "to": "syslog" }""", "to: must be")]
    [InlineData("""{ "name": "a/b", "to": "files", "folder": "x" }""", "name: must be")]
    [InlineData("""{ "to": "files" }""", "folder: is required")]
    [InlineData("""{ "to": "files", "folder": "x", "fileBytes": 5 }""", "fileBytes: must be")]
    [InlineData("""{ "to": "files", "folder": "x", "fileEvery": "1s" }""", "fileEvery: must be")]
    [InlineData("""{ "to": "postgres" }""", "connection: is required")]
    [InlineData("""{ "to": "postgres", "connection": "Host=x;Password=y" }""", "connection: must be a reference")]
    [InlineData("""{ "to": "redis", "lengthMax": 10 }""", "lengthMax: must be")]
    [InlineData("""{ "to": "otlp" }""", "url: is required")]
    [InlineData("""{ "to": "otlp", "url": "http://c.test/v1/logs" }""", "url: is http to another machine")]
    [InlineData("""{ "to": "otlp", "url": "https://u:p@c.test/" }""", "url: is not")]
    [InlineData(
        """{ "to": "otlp", "url": "https://c.test/", "headers": { "a": "x" } }""", "headers.a: must be a reference")]
    [InlineData("""{ "to": "files", "folder": "x", "connection": "env:A" }""", "connection: unknown setting")]
    public void What_is_wrong_is_told_with_its_place(string destination, string message)
    {
        // Proves every check, by one destination that fails it; and that a password which stands there is not repeated.
        string error = Assert.Single(Read($"[{destination}]").Errors);
        Assert.StartsWith("audit.ship[0]." + message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("Password", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_kinds_unless_they_are_given_and_taken_once()
    {
        // Proves names, what is absent by default, that payloads stay unless asked for, and paths beside the file.
        const string Files = """{ "to": "files", "folder": "out", "payloads": true, "fileEvery": "2h" }""";
        (IReadOnlyList<ShipSetting> read, List<string> errors) = Read(
            $$"""[{{Files}}, { "to": "redis" }, { "to": "otlp", "url": "http://127.0.0.1:1/v1/logs" }]""");
        Assert.Empty(errors);
        Assert.Equal(["files", "redis", "otlp"], read.Select(one => one.Name));
        Assert.Equal([true, false, false], read.Select(one => one.Payloads));
        Assert.Equal(("/base/out", TimeSpan.FromHours(2)), (read[0].Files!.Folder, read[0].Files!.Every));
        Assert.Null(read[1].Connection);
        Assert.Contains("'files' is taken", Assert.Single(Read($"[{Files},{Files}]").Errors), StringComparison.Ordinal);
    }

    private static (IReadOnlyList<ShipSetting> Settings, List<string> Errors) Read(string list)
    {
        List<string> errors = [];
        JsonObject audit = new() { ["ship"] = JsonNode.Parse(list) };
        ConfigurationSection section = new(audit, "audit", errors);
        return (ShipReader.Read(section, path => "/base/" + path), errors);
    }
}
