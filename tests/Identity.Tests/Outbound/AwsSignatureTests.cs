using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Outbound;
using Xunit;

namespace Countersign.Identity.Tests.Outbound;

public sealed class AwsSignatureTests
{
    // Those whose paths are rewritten first are of paths that the gateway refuses: dot segments and empty ones.
    public static TheoryData<string> Names() => [.. Cases().Select(one => one.GetProperty("name").GetString()!)
        .Where(name => !IsRewritten(name))];

    private static bool IsRewritten(string name) => name.EndsWith("-normalized", StringComparison.Ordinal)
        && (name.Contains("relative", StringComparison.Ordinal) || name.Contains("slash", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public void TheTestSuiteIsSignedAsItSays(string name)
    {
        // Proves the canonical request and the signature; by the published test suite.
        JsonElement one = Cases().First(found => found.GetProperty("name").GetString() == name);
        JsonElement context = one.GetProperty("context");
        (string method, string target, List<(string, string)> fields, string body) =
            Parse(one.GetProperty("request").GetString()!);
        int query = target.IndexOf('?', StringComparison.Ordinal);
        string path = query < 0 ? target : target[..query];
        bool isRaw = path.Any(letter => letter > '~' || letter == ' ');
        JsonElement credentials = context.GetProperty("credentials");
        AwsScope scope = new(
            context.GetProperty("region").GetString()!, context.GetProperty("service").GetString()!,
            DateTimeOffset.Parse(context.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture));
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
        fields.Add(("X-Amz-Date", scope.Time));
        if (context.GetProperty("sign_body").GetBoolean()) fields.Add(("x-amz-content-sha256", hash));
        bool signsToken = !context.TryGetProperty("omit_session_token", out JsonElement omits) || !omits.GetBoolean();
        if (signsToken && credentials.TryGetProperty("token", out JsonElement token))
            fields.Add(("X-Amz-Security-Token", token.GetString()!));
        AwsRequest request = new(method, path, query < 0 ? "" : target[(query + 1)..], fields, hash);

        // The suite has raw letters where the wire has escapes; those are encoded once.
        string canonical = AwsSignature.CanonicalRequest(request, isRaw ? "s3" : scope.Service);
        Assert.Equal(one.GetProperty("canonical").GetString(), canonical);
        if (isRaw) return;
        string authorization = AwsSignature.Authorization(
            request, scope, Encoding.ASCII.GetBytes(credentials.GetProperty("access_key_id").GetString()!),
            Encoding.ASCII.GetBytes(credentials.GetProperty("secret_access_key").GetString()!));
        Assert.EndsWith(
            "Signature=" + one.GetProperty("signature").GetString(), authorization, StringComparison.Ordinal);
        Assert.StartsWith(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=",
            authorization, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3", "/a%20b/%7Ec+d", "/a%20b/~c%2Bd")]
    [InlineData("execute-api", "/a%20b/%7Ec", "/a%2520b/%257Ec")]
    public void APathIsEncodedAsItsServiceReadsIt(string service, string path, string expected)
    {
        // Proves the one difference between S3 and the others; by the second line of the canonical request.
        AwsRequest request = new("GET", path, "", [("host", "h")], AwsSignature.Unsigned);
        Assert.Equal(expected, AwsSignature.CanonicalRequest(request, service).Split('\n')[1]);
    }

    private static (string Method, string Target, List<(string, string)> Fields, string Body) Parse(string text)
    {
        string[] parts = text.ReplaceLineEndings("\n").Split("\n\n", 2);
        string[] lines = parts[0].Split('\n');
        int first = lines[0].IndexOf(' ', StringComparison.Ordinal);
        int last = lines[0].LastIndexOf(' ');
        List<(string, string)> fields = [];
        foreach (string line in lines.Skip(1).Where(line => line.Length > 0))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (line[0] is ' ' or '\t') fields[^1] = (fields[^1].Item1, fields[^1].Item2 + " " + line);
            else fields.Add((line[..colon], line[(colon + 1)..]));
        }

        return (lines[0][..first], lines[0][(first + 1)..last], fields, parts.Length > 1 ? parts[1] : "");
    }

    private static List<JsonElement> Cases([CallerFilePath] string source = "")
    {
        foreach (string start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(source)! })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                string file = Path.Combine(folder.FullName, "tests", "cases", "aws-sigv4", "vectors.json");
                if (!File.Exists(file)) continue;
                return [.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray()];
            }
        }

        throw new FileNotFoundException("tests/cases/aws-sigv4/vectors.json");
    }
}
