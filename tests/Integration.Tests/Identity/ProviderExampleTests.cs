using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Cli.Configuration;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Integration.Tests.Identity;

/// <summary>The examples of docs/IDENTITY.md: each configuration makes of each token the caller that stands below
/// it.</summary>
public sealed partial class ProviderExampleTests
{
    public static TheoryData<string, string, string, string> Examples()
    {
        TheoryData<string, string, string, string> examples = [];
        string section = "", issuer = "", claims = "";
        foreach (Match match in Blocks().Matches(File.ReadAllText(Page())))
        {
            if (match.Groups["title"].Success) section = match.Groups["title"].Value;
            string text = match.Groups["text"].Value;
            if (match.Groups["name"].Value == "issuer") issuer = text;
            if (match.Groups["name"].Value == "claims") claims = text;
            if (match.Groups["name"].Value == "caller") examples.Add(section, issuer, claims, text);
        }

        return examples;
    }

    [Fact]
    public void Every_provider_has_one()
    {
        // Proves that no example is missed by how it is written.
        string[] providers = [.. Examples().Select(row => row.Data.Item1).Distinct()];
        Assert.Equal(
            ["AWS", "Auth0", "Entra ID", "GitHub Actions", "GitLab CI", "Google", "Keycloak", "Okta"],
            providers.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_becomes_its_caller(string provider, string issuer, string claims, string caller)
    {
        // Proves the mapping of each; and that a token that lacks what is required of it becomes nobody.
        IssuerOptions options = Read(provider, issuer);
        JsonElement expected = JsonDocument.Parse(caller).RootElement;
        Caller? mapped = TokenClaims.ToCaller(JsonDocument.Parse(claims).RootElement, options, out string fault);
        Assert.Equal("", fault);
        Assert.Equal(expected.GetProperty("kind").GetString(), ApprovalJson.NameOf(mapped!.Kind));
        Assert.Equal(Texts(expected, "groups"), mapped.Groups);
        Assert.Equal(Texts(expected, "chain"), mapped.Chain);
        Assert.Equal(
            expected.TryGetProperty("tenant", out JsonElement tenant) ? tenant.GetString() : "", mapped.Tenant);
        foreach (string required in options.Requires.Keys)
        {
            JsonObject without = JsonNode.Parse(claims)!.AsObject();
            without.Remove(required);
            Assert.Null(TokenClaims.ToCaller(JsonSerializer.SerializeToElement(without), options, out _));
            without[required] = "another";
            Assert.Null(TokenClaims.ToCaller(JsonSerializer.SerializeToElement(without), options, out _));
        }
    }

    private static IssuerOptions Read(string provider, string issuer)
    {
        string folder = Directory.CreateTempSubdirectory("countersign-example-").FullName;
        string file = Path.Combine(folder, "countersign.json");
        File.WriteAllText(
            file, """{"store":{"embedded":"s"},"identity":{"issuers":[""" + issuer + "]}}");
        ConfigurationReading reading = ConfigurationReader.Read(
            file, new Dictionary<string, string>(), new ConfigurationFlags(), "test");
        Assert.True(reading.Errors.Count == 0, provider + ": " + string.Join("; ", reading.Errors));
        Directory.Delete(folder, recursive: true);
        return Assert.Single(reading.Options!.Issuers);
    }

    private static string[] Texts(JsonElement expected, string name) =>
        [.. expected.GetProperty(name).EnumerateArray().Select(item => item.GetString()!)];

    private static string Page([CallerFilePath] string file = "") => Path.GetFullPath(
        Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "docs", "IDENTITY.md"));

    [GeneratedRegex(
        @"^### (?<title>[^\n]+)$|^```json (?<name>issuer|claims|caller)\n(?<text>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
