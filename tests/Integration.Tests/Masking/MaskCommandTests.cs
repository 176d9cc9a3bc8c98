using System.CommandLine;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Cli;
using Countersign.Cli.Masking;
using Xunit;

namespace Countersign.Integration.Tests.Masking;

/// <summary><c>countersign mask</c> as a filter: streams, exit codes, and what it explains.</summary>
public sealed class MaskCommandTests : IDisposable
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://up.test"] } }
        functions:
          f.get: { upstream: up, method: GET, path: /f, risk: low }
          f.raw: { upstream: up, method: GET, path: /raw, risk: low, maskable: false }
          f.free: { upstream: up, method: GET, path: /free, risk: low }
        rules: []
        masks:
          - id: pii
            functions: [f.get, f.raw]
            fields: [ssn, "$.users[*].email"]
            detect: [jwt, us-ssn]
            except: { groups: [cleared] }
          - { id: id, functions: [f.get], fields: [id], action: tokenize, key: ids }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-mask-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Proves the filter at several chunks: the caller's groups, types and codings, and a done exit each.
    [Theory]
    [InlineData("", """{"ssn":1,"users":[{"email":"a"}]}""", """{"ssn":"***","users":[{"email":"***"}]}""")]
    [InlineData("--groups other,cleared", """{"ssn":1}""", """{"ssn":1}""")]
    [InlineData("--content-type text/plain", "it is 123-45-6789\n", "it is ***\n")]
    [InlineData("--content-type text/event-stream", "data: {\"ssn\":1}\n\n", "data: {\"ssn\":\"***\"}\n\n")]
    [InlineData("--content-type application/x-www-form-urlencoded", "ssn=1&b=2", "ssn=***&b=2")]
    [InlineData("--content-encoding gzip", """{"ssn":1}""", """{"ssn":"***"}""")]
    [InlineData("--function f.free --content-type image/png", "PNG", "PNG")]
    [InlineData("--function f.raw --content-type image/png", "PNG", "PNG")]
    public async Task It_masks_what_comes_in(string options, string body, string masked)
    {
        foreach (string chunk in (string[])["--chunk 1", "--chunk 3", ""])
        {
            bool isEncoded = options.Contains("gzip", StringComparison.Ordinal);
            byte[] bytes = isEncoded ? Gzip(body) : Encoding.UTF8.GetBytes(body);
            MaskEnd end = await RunAsync(bytes, options + " " + chunk);
            Assert.Equal((ExitCodes.Ok, masked, ""), (end.ExitCode, end.Output, end.Errors));
        }
    }

    // Proves exit 3, a reason, and nothing of a secret, for what is no JSON, cut, of no readable type, or text with no
    // detector that could look at it.
    [Theory]
    [InlineData("", "ssn: 123-45-6789", "")]
    [InlineData("", """{"a":1,"ssn":"123-45-6789""", """{"a":1,"ssn":""")]
    [InlineData("--content-type text/html", "123-45-6789", "")]
    [InlineData("--content-type text/plain", "{\"ssn\":\"123-45-6789\"}", "")]
    [InlineData("--content-encoding br", "{\"ssn\":\"123-45-6789\"}", "")]
    public async Task What_cannot_be_masked_is_said(string options, string body, string output)
    {
        MaskEnd end = await RunAsync(Encoding.UTF8.GetBytes(body), options);
        Assert.Equal((ExitCodes.NotMaskable, output), (end.ExitCode, end.Output));
        Assert.StartsWith("countersign: cannot be masked: ", end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("123-45", end.Errors, StringComparison.Ordinal);
    }

    // Proves that what is wrong with the command line or the policy is told, by name, and exits 2 with no output.
    [Theory]
    [InlineData("--function nobody", "no function 'nobody'")]
    [InlineData("--chunk 0", "--chunk: '0' is not a whole number from 1 to 16777216")]
    [InlineData("--key ids=the-key-itself", "never the key itself")]
    [InlineData("--key ids=env:SHORT", "fewer than 16 bytes")]
    [InlineData("--key ids=env:UNSET", "UNSET is not set")]
    [InlineData("--key ids=file:no-such-file", "no-such-file")]
    public async Task What_is_asked_wrongly_is_told(string options, string message)
    {
        MaskEnd end = await RunAsync("{}"u8.ToArray(), options);
        Assert.Equal((ExitCodes.Usage, ""), (end.ExitCode, end.Output));
        Assert.Contains(message, end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("the-key-itself", end.Errors, StringComparison.Ordinal);
    }

    // Proves that tokens are made with a key that is given and redacted without it, and that policy errors have their
    // place.
    [Fact]
    public async Task Keys_are_brought_along()
    {
        byte[] body = """{"id":7}"""u8.ToArray();
        Assert.Equal("""{"id":"***"}""", (await RunAsync(body, "")).Output);
        string once = (await RunAsync(body, "--key ids=env:LONG")).Output;
        Assert.StartsWith("""{"id":"tok_""", once, StringComparison.Ordinal);
        Assert.Equal(once, (await RunAsync(body, "--key ids=env:LONG")).Output);
        MaskEnd end = await RunAsync(body, "", Policy.Replace("[jwt,", "[jwd,", StringComparison.Ordinal));
        Assert.Equal((ExitCodes.Usage, ""), (end.ExitCode, end.Output));
        const string fault = ":12:14: there is no detector 'jwd'; did you mean 'jwt'?";
        Assert.Contains(fault, end.Errors, StringComparison.Ordinal);
    }

    // Proves that what was masked is listed by path, action, mask and reason, without any value, in both forms.
    [Fact]
    public async Task It_explains_without_values()
    {
        byte[] body = """{"ssn":41,"users":[{"email":"e"}],"note":"is 123-45-6789","id":42}"""u8.ToArray();
        MaskEnd text = await RunAsync(body, "--explain");
        string[] lines =
        [
            "$['ssn']  redact  pii: field ssn",
            "$['users'][0]['email']  redact  pii: field $.users[*].email",
            "$['note']  redact  pii: detector us-ssn",
            "$['id']  redact  id: field id",
            "4 masked",
        ];
        Assert.Equal(lines, text.Errors.TrimEnd().Split(Environment.NewLine));
        MaskEnd json = await RunAsync(body, "--json");
        JsonNode[] found = [.. json.Errors.TrimEnd().Split(Environment.NewLine).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal("$['note']", (string)found[2]["path"]!);
        Assert.Equal(("pii", "detector us-ssn"), ((string)found[2]["mask"]!, (string)found[2]["reason"]!));
        Assert.Equal(4, (int)found[^1]["masked"]!);
        foreach (string value in (string[])["41", "123-45", "42"])
            Assert.DoesNotContain(value, text.Errors + json.Errors, StringComparison.Ordinal);
        const string asForm = "--explain --content-type application/x-www-form-urlencoded";
        MaskEnd form = await RunAsync("ssn=1"u8.ToArray(), asForm);
        Assert.StartsWith("$['ssn']  redact  pii: field ssn", form.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--explain", @"$['a\u{202e}b\u{9b}']['ssn']")]
    [InlineData("--json", @"$['a\u202eb\u009b']['ssn']")]
    public async Task Nothing_it_explains_deceives(string option, string shown)
    {
        // Proves that names which would turn the line or steer a terminal are written as escapes, plain and as JSON,
        // and that the JSON means them.
        MaskEnd end = await RunAsync("{\"a\u202eb\u009b\":{\"ssn\":1}}"u8.ToArray(), option);
        Assert.Contains(shown, end.Errors, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\u202e', end.Errors);
        Assert.DoesNotContain('\u009b', end.Errors);
        if (option != "--json") return;
        string line = end.Errors.Split(Environment.NewLine)[0];
        Assert.Equal("$['a\u202eb\u009b']['ssn']", (string)JsonNode.Parse(line)!["path"]!);
    }

    private async Task<MaskEnd> RunAsync(byte[] body, string options, string policy = Policy)
    {
        string file = Path.Combine(_folder, "policy.yaml");
        await File.WriteAllTextAsync(file, policy, TestContext.Current.CancellationToken);
        using StringWriter text = new();
        using StringWriter errors = new();
        using MemoryStream input = new(body);
        using MemoryStream output = new();
        Dictionary<string, string> variables = new() { ["SHORT"] = "short", ["LONG"] = "0123456789abcdef" };
        CommandEnvironment environment = new(
            variables, "test", text, errors, IsInteractive: false, TextReader.Null, TimeProvider.System)
        {
            InBytes = input,
            OutBytes = output,
        };
        string function = options.Contains("--function", StringComparison.Ordinal) ? "" : "--function f.get ";
        string[] words = (function + options).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int exitCode = await CommandStart.RunAsync(
            ["--policy", file, .. words], environment, MaskCommand.Create, TestContext.Current.CancellationToken);
        return new MaskEnd(exitCode, Encoding.UTF8.GetString(output.ToArray()), errors.ToString());
    }

    private static byte[] Gzip(string text)
    {
        using MemoryStream target = new();
        using (GZipStream encoder = new(target, CompressionMode.Compress, leaveOpen: true))
            encoder.Write(Encoding.UTF8.GetBytes(text));
        return target.ToArray();
    }

    private sealed record MaskEnd(int ExitCode, string Output, string Errors);
}
