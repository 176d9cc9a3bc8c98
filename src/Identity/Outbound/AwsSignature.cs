using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.Identity.Outbound;

/// <summary>A request as AWS Signature Version 4 sees it.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Path">Its path as sent, percent-encoded.</param>
/// <param name="Query">Its query as sent, without the question mark.</param>
/// <param name="Fields">The fields that are signed.</param>
/// <param name="PayloadHash">SHA-256 of its body in lower-case hex, or <see cref="AwsSignature.Unsigned"/>.</param>
public sealed record AwsRequest(
    string Method, string Path, string Query, IReadOnlyList<(string Name, string Value)> Fields, string PayloadHash);

/// <summary>What is signed for.</summary>
/// <param name="Region">The region.</param>
/// <param name="Service">The service.</param>
/// <param name="At">The time, to the second.</param>
public sealed record AwsScope(string Region, string Service, DateTimeOffset At)
{
    /// <summary>The <c>X-Amz-Date</c>.</summary>
    public string Time => At.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    internal string Text => $"{Time[..8]}/{Region}/{Service}/aws4_request";
}

/// <summary>
/// AWS Signature Version 4, in the Authorization field. Held to the signing test suite (tests/cases/aws-sigv4).
/// </summary>
public static class AwsSignature
{
    /// <summary>In the place of a body's digest: the body is not signed. Only some services take it.</summary>
    public const string Unsigned = "UNSIGNED-PAYLOAD";

    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>The value of the Authorization field.</summary>
    /// <param name="request">What is signed.</param>
    /// <param name="scope">What for.</param>
    /// <param name="accessKey">Whose key it is.</param>
    /// <param name="secretKey">The key; nothing of it is kept.</param>
    public static string Authorization(
        AwsRequest request, AwsScope scope, ReadOnlySpan<byte> accessKey, ReadOnlySpan<byte> secretKey)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(scope);
        string signature = Sign(CanonicalRequest(request, scope.Service), scope, secretKey);
        return $"{Algorithm} Credential={Encoding.ASCII.GetString(accessKey)}/{scope.Text}, "
            + $"SignedHeaders={SignedNames(request)}, Signature={signature}";
    }

    /// <summary>The request in its one form.</summary>
    internal static string CanonicalRequest(AwsRequest request, string service)
    {
        StringBuilder text = new(512);
        text.Append(request.Method).Append('\n').Append(CanonicalPath(request.Path, service)).Append('\n')
            .Append(CanonicalQuery(request.Query)).Append('\n');
        foreach (IGrouping<string, string> field in Grouped(request))
            text.Append(field.Key).Append(':').AppendJoin(',', field).Append('\n');
        return text.Append('\n').Append(SignedNames(request)).Append('\n').Append(request.PayloadHash).ToString();
    }

    private static string Sign(string canonical, AwsScope scope, ReadOnlySpan<byte> secretKey)
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
        string toSign = $"{Algorithm}\n{scope.Time}\n{scope.Text}\n{digest}";
        byte[] key = new byte[4 + secretKey.Length];
        "AWS4"u8.CopyTo(key);
        secretKey.CopyTo(key.AsSpan(4));
        foreach (string part in (string[])[scope.Time[..8], scope.Region, scope.Service, "aws4_request"])
        {
            byte[] next = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
            CryptographicOperations.ZeroMemory(key);
            key = next;
        }

        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        CryptographicOperations.ZeroMemory(key);
        return signature;
    }

    // S3 names objects by the decoded path; all other services sign the path as it is on the wire, encoded once more.
    private static string CanonicalPath(string path, string service)
    {
        if (path.Length == 0) return "/";
        byte[] bytes = service == "s3" ? Decode(path) : Encoding.UTF8.GetBytes(path);
        return Encode(bytes, keepsSlash: true);
    }

    private static string CanonicalQuery(string query)
    {
        if (query.Length == 0) return "";
        List<(string Name, string Value)> pairs = [];
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? pair : pair[..equals];
            string value = equals < 0 ? "" : pair[(equals + 1)..];
            pairs.Add((Encode(Decode(name), keepsSlash: false), Encode(Decode(value), keepsSlash: false)));
        }

        IEnumerable<string> ordered = pairs.OrderBy(one => one.Name, StringComparer.Ordinal)
            .ThenBy(one => one.Value, StringComparer.Ordinal).Select(one => one.Name + "=" + one.Value);
        return string.Join('&', ordered);
    }

    private static IOrderedEnumerable<IGrouping<string, string>> Grouped(AwsRequest request) => request.Fields
        .GroupBy(one => one.Name.ToLowerInvariant(), one => Folded(one.Value), StringComparer.Ordinal)
        .OrderBy(one => one.Key, StringComparer.Ordinal);

    private static string SignedNames(AwsRequest request) => string.Join(';', Grouped(request).Select(one => one.Key));

    // Spaces at the ends go, and those within become one.
    private static string Folded(string value) =>
        string.Join(' ', value.Split((char[])[' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries));

    private static byte[] Decode(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = 0;
        for (int at = 0; at < bytes.Length; at++)
        {
            bool isEscape = bytes[at] == '%' && at + 2 < bytes.Length
                && char.IsAsciiHexDigit((char)bytes[at + 1]) && char.IsAsciiHexDigit((char)bytes[at + 2]);
            bytes[length++] = isEscape ? Convert.FromHexString(bytes.AsSpan(at + 1, 2))[0] : bytes[at];
            if (isEscape) at += 2;
        }

        return bytes[..length];
    }

    private static string Encode(byte[] bytes, bool keepsSlash)
    {
        StringBuilder text = new(bytes.Length);
        foreach (byte one in bytes)
        {
            char letter = (char)one;
            bool isPlain = char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_' or '~'
                || (keepsSlash && one == (byte)'/');
            if (isPlain) text.Append((char)one);
            else text.Append('%').Append(one.ToString("X2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
