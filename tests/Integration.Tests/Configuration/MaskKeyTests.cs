using System.Buffers;
using System.Text;
using Countersign.Cli.Configuration;
using Countersign.Cli.Serve;
using Countersign.Masking;
using Countersign.Policy;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using MaskAction = Countersign.Masking.MaskAction;
using MaskRule = Countersign.Masking.MaskRule;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>What masks make tokens with that name no key.</summary>
public sealed class MaskKeyTests
{
    private static readonly byte[] Sealing = Encoding.ASCII.GetBytes("a sealing key of the whole fleet");
    private static readonly byte[] Other = Encoding.ASCII.GetBytes("another sealing key, of a fleet.");

    [Fact]
    public void The_usual_key_is_the_fleets()
    {
        // Proves that gateways that share a sealing key make the same tokens with no key configured, and that others
        // make others.
        string token = TokenOf(Sealing, "{}");
        Assert.StartsWith("""{"id":"tok_""", token, StringComparison.Ordinal);
        Assert.Equal(token, TokenOf(Sealing, "{}"));
        Assert.NotEqual(token, TokenOf(Other, "{}"));
    }

    [Fact]
    public void A_configured_key_of_its_name_goes_first()
    {
        // Proves that tokens need not change with the sealing key.
        const string Keys = """{ "default": "env:KEY" }""";
        Assert.Equal(TokenOf(Sealing, Keys), TokenOf(Other, Keys));
        Assert.NotEqual(TokenOf(Sealing, "{}"), TokenOf(Sealing, Keys));
    }

    private static string TokenOf(byte[] sealingKey, string keys)
    {
        Dictionary<string, string> environment = new() { ["KEY"] = "0123456789abcdef" };
        string folder = Directory.CreateTempSubdirectory("countersign-mask-keys-").FullName;
        string file = Path.Combine(folder, "countersign.json");
        File.WriteAllText(file, $$"""
            {
              "store": { "embedded": "store" },
              "identity": { "issuers": [{ "issuer": "https://issuer.test", "audiences": ["gateway"] }] },
              "masking": { "keys": {{keys}} }
            }
            """);
        ConfigurationReading reading = ConfigurationReader.Read(file, environment, new ConfigurationFlags(), "machine");
        Directory.Delete(folder, recursive: true);
        Assert.Empty(reading.Errors);
        ProcessSecrets secrets = new(reading.Options!, environment, NullLogger.Instance);
        TokenKey key = secrets.MaskKeys(sealingKey)[MaskTerms.UsualKey];
        JsonMasker masker = new();
        masker.Reset(MaskProgram.Compile([new MaskRule("id", MaskAction.Tokenize) { Key = key }]));
        ArrayBufferWriter<byte> output = new();
        masker.Write("""{"id":7}"""u8, output);
        masker.Finish(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
