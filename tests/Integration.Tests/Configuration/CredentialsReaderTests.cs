using System.Text.RegularExpressions;
using Countersign.Cli.Configuration;
using Countersign.Identity.Outbound.Brokers;
using Countersign.Integration.Tests.EndToEnd;
using Countersign.Policy;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>What configuration says of credentials.</summary>
public sealed partial class CredentialsReaderTests
{
    [Fact]
    public void What_the_page_shows_is_read_and_fits_together()
    {
        // Proves docs/CREDENTIALS.md: its policy compiles, its configurations have no error, and each entry that its
        // policy names is there and of the kind that the policy says.
        string page = File.ReadAllText(Path.Combine(ServeSetup.Root(), "docs", "CREDENTIALS.md"));
        string yaml = Assert.Single(Block().Matches(page), one => one.Groups[1].Value == "yaml").Groups[2].Value;
        string functions = string.Concat(Upstream().Matches(yaml).Select(one => one.Groups[1].Value).Select(
            name => $"  {name}: {{ upstream: {name}, method: GET, path: /{name}, risk: low, keep: [cookie] }}\n"));
        PolicyReading policy = PolicyReader.Read(
            "apiVersion: countersign/v1\n" + yaml + "functions:\n" + functions
                + "rules: [{ id: all, subjects: { groups: [g] }, functions: [crm], effect: allow }]\n",
            new MaskVocabulary(static _ => null, static _ => null), 1);
        Assert.Empty(policy.Errors);
        List<BrokerSetting> brokers = [];
        foreach (Match one in Block().Matches(page).Where(one => one.Groups[1].Value == "json"))
        {
            ConfigurationReading reading = Read("{" + one.Groups[2].Value + "}");
            Assert.Empty(reading.Errors);
            brokers.AddRange(reading.Options!.Credentials.Brokers);
        }

        Assert.Equal(6, policy.Snapshot!.Functions.Count);
        foreach (CredentialTerms terms in policy.Snapshot.Functions.Select(one => one.Upstream.Credential))
            Assert.Single(brokers, one => one.Name == terms.From && one.Kind == terms.Broker);

        Assert.Equal(5, brokers.Count);
        BrokerSetting vault = Assert.Single(brokers, one => one.Kind == CredentialBroker.Vault);
        Assert.Equal((VaultLogin.AppRole, "countersign"), (vault.Login, vault.Who));
    }

    [Theory]
    [InlineData("", 60)]
    [InlineData("\"publishBefore\": \"20s\"", 5)]
    [InlineData("\"publishBefore\": \"1s\"", 1)]
    [InlineData("\"jwksMaxAge\": \"5m\"", 300)]
    [InlineData("\"jwksMaxAge\": \"1s\"", 1)]
    [InlineData("\"jwksMaxAge\": \"1h\", \"publishBefore\": \"2h\"", 3_600)]
    public void A_revoked_key_is_believed_so_long(string signing, int seconds)
    {
        // Proves the max-age that the JWKS is served with: a minute, less where keys change sooner, or as it is said.
        ConfigurationReading reading = Read("{ \"credentials\": { \"signing\": { " + signing + " } } }");
        Assert.Empty(reading.Errors);
        Assert.Equal(seconds, reading.Options!.Credentials.Signing.CachedSeconds);
    }

    [Theory]
    [InlineData("\"jwksMaxAge\": \"31m\"")]
    [InlineData("\"jwksMaxAge\": \"2h\", \"publishBefore\": \"1d\"")]
    [InlineData("\"jwksMaxAge\": \"0s\"")]
    public void A_set_that_is_kept_too_long_is_refused(string signing)
    {
        // Proves the bounds: a key must be known before it signs, and a revoked one is believed an hour at most.
        ConfigurationReading reading = Read("{ \"credentials\": { \"signing\": { " + signing + " } } }");
        Assert.Contains(
            reading.Errors, error => error.StartsWith("credentials.signing.jwksMaxAge:", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_error_is_named_and_no_secret_is_repeated()
    {
        // Proves that what is wrong is refused with its place, and that a secret that somebody put where its reference
        // belongs is in no message.
        ConfigurationReading reading = Read("""
            { "credentials": {
              "signing": { "rotateEvery": "1s", "publishBefore": "2s", "jwksMaxAge": "2s", "x": 1 },
              "introspection": { "clients": [{ "id": "a", "secret": "hunter2-hunter2" }, { "id": "a" }] },
              "brokers": {
                "bad name": { "kind": "static", "secret": "env:A" },
                "s": { "kind": "static", "secret": "hunter2-hunter2", "endpoints": ["https://h/path"] },
                "a": { "kind": "static", "accessKey": "env:A" },
                "o": { "kind": "oauth", "tokenEndpoint": "http://idp.example/token", "clientSecret": "env:A",
                       "authentication": "jwt" },
                "v": { "kind": "vault", "address": "https://vault/v1", "kubernetes": { "jwt": "file:t", "y": 1 } },
                "k": { "kind": "magic" } } } }
            """);
        string[] places =
        [
            "credentials.signing.publishBefore", "credentials.signing.jwksMaxAge", "credentials.signing.x",
            "credentials.introspection.clients[0].secret", "credentials.introspection.clients[0].audiences",
            "credentials.introspection.clients[1].secret", "credentials.introspection.clients[1].id",
            "credentials.brokers.bad name", "credentials.brokers.s.secret", "credentials.brokers.s.endpoints",
            "credentials.brokers.a.secretKey", "credentials.brokers.o.tokenEndpoint", "credentials.brokers.o.clientId",
            "credentials.brokers.o.authentication", "credentials.brokers.v.address",
            "credentials.brokers.v.kubernetes.role", "credentials.brokers.v.kubernetes.y", "credentials.brokers.k.kind",
        ];
        foreach (string place in places)
        {
            bool isNamed = reading.Errors.Any(error => error.StartsWith(place + ":", StringComparison.Ordinal));
            Assert.True(isNamed, place + " is not among\n" + string.Join('\n', reading.Errors));
        }

        Assert.DoesNotContain(reading.Errors, error => error.Contains("hunter2", StringComparison.Ordinal));
    }

    private static ConfigurationReading Read(string json)
    {
        string folder = Directory.CreateTempSubdirectory("countersign-credentials-").FullName;
        string file = Path.Combine(folder, "countersign.json");
        string rest = """
            "store": { "embedded": "store" },
            "identity": { "issuers": [{ "issuer": "https://issuer.test", "audiences": ["gateway"] }] },
            """;
        int open = json.IndexOf('{', StringComparison.Ordinal) + 1;
        File.WriteAllText(file, json[..open] + rest + json[open..]);
        ConfigurationReading reading = ConfigurationReader.Read(
            file, new Dictionary<string, string>(), new ConfigurationFlags(), "machine");
        Directory.Delete(folder, recursive: true);
        return reading;
    }

    [GeneratedRegex("^  ([a-z]+): +\\{ endpoints", RegexOptions.Multiline)]
    private static partial Regex Upstream();

    [GeneratedRegex("```(yaml|json)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
