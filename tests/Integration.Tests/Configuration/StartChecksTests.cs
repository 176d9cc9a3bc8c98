using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>What <c>serve</c> looks at, of what a configuration names, before anything starts.</summary>
public sealed class StartChecksTests : IDisposable
{
    private const int Usage = 2;
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-start-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_it_names_and_cannot_be_used_is_told_with_its_path()
    {
        // Proves exit code 2, which a service manager does not try again, and a line for each of a keys file without
        // a key, a connection string that cannot be read, and a sealing key that is too short to seal under.
        string junk = Path.Combine(_folder, "junk.pem");
        await File.WriteAllTextAsync(junk, "junk", TestContext.Current.CancellationToken);
        CommandEnd end = await ServeAsync("""
            {
              "store": { "redis": "127.0.0.1:1,surprise=true" },
              "identity": {
                "issuers": [{ "issuer": "https://issuer.test", "audiences": ["gateway"], "keys": "junk.pem" }]
              },
              "secrets": { "sealingKey": "file:junk.pem" }
            }
            """);
        Assert.Equal(Usage, end.ExitCode);
        string[] told =
        [
            $"identity.issuers: the keys file '{junk}' holds no public key", "store.redis: Keyword 'surprise'",
            "secrets.sealingKey: the key has fewer than 16 bytes",
        ];
        foreach (string error in told) Assert.Contains("countersign: " + error, end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_given_twice_is_told_with_the_file()
    {
        // Proves that the message begins with the file alone: the reader of JSON does not tell where a name was again.
        CommandEnd end = await ServeAsync("""{ "data": {}, "data": {} }""");
        Assert.Equal(Usage, end.ExitCode);
        Assert.Contains("serve.json: is not JSON: Duplicate property 'data'", end.Errors, StringComparison.Ordinal);
    }

    private async Task<CommandEnd> ServeAsync(string configuration)
    {
        string file = Path.Combine(_folder, "serve.json");
        await File.WriteAllTextAsync(file, configuration);
        return await CountersignProcess.RunAsync("serve", "--config", file);
    }
}
