using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Identity.Outbound;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>The header fields that carry the lent credential, and what of the caller's they replace.</summary>
internal static class LentFields
{
    /// <summary>Where this call's credential goes; null where it has none.</summary>
    [HotPath]
    internal static CredentialPlace? PlaceOf(CallContext call)
    {
        CredentialPlace place = call.Function!.Upstream.Credential.Place;
        bool isSigned = place.Form == CredentialForm.AwsSigV4 && call.Secret is not null;
        return call.Credential.Count > 0 || isSigned ? place : null;
    }

    /// <summary>True for a field of the caller's that would be read as, or beside, the credential. Hyphens and
    /// underscores are one, as they are to CGI.</summary>
    [HotPath]
    internal static bool Replaces(CredentialPlace place, ReadOnlySpan<byte> name)
    {
        if (place.Form == CredentialForm.AwsSigV4) return StartsAs(name, "x-amz-"u8);
        return name.Length == place.HeaderBytes.Length && StartsAs(name, place.HeaderBytes);
    }

    /// <summary>Writes them.</summary>
    [HotPath]
    internal static void Write(
        IBufferWriter<byte> output, CallContext call, CredentialPlace place, ReadOnlySpan<byte> authority,
        bool isBuffered)
    {
        if (place.Form == CredentialForm.AwsSigV4) WriteSignature(output, call, place, authority, isBuffered);
        else WireText.PutField(output, place.HeaderBytes, call.Credential.Written);
    }

    private static bool StartsAs(ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix)
    {
        if (name.Length < prefix.Length) return false;
        for (int at = 0; at < prefix.Length; at++)
        {
            if (Folded(name[at]) != Folded(prefix[at])) return false;
        }

        return true;
    }

    private static byte Folded(byte letter) => letter switch
    {
        (byte)'_' => (byte)'-',
        >= (byte)'A' and <= (byte)'Z' => (byte)(letter | 0x20),
        _ => letter,
    };

    // A body that is signed has been buffered; one that is not, or that there is none of, needs nothing of it.
    private static void WriteSignature(
        IBufferWriter<byte> output, CallContext call, CredentialPlace place, ReadOnlySpan<byte> authority,
        bool isBuffered)
    {
        LentSecret secret = call.Secret!;
        bool isWhole = isBuffered || call.Request.Framing == BodyFraming.None;
        string payload = isWhole
            ? Convert.ToHexStringLower(SHA256.HashData(isBuffered ? call.BodyPrefix.Written : default))
            : AwsSignature.Unsigned;
        AwsScope scope = new(place.Region, place.Service, call.Started);
        List<(string, string)> fields =
        [
            ("host", Encoding.ASCII.GetString(authority)), ("x-amz-content-sha256", payload),
            ("x-amz-date", scope.Time),
        ];
        string session = Encoding.ASCII.GetString(secret.Field("security_token"));
        if (session.Length > 0) fields.Add(("x-amz-security-token", session));
        string target = Encoding.ASCII.GetString(call.Request.Target);
        int query = target.IndexOf('?', StringComparison.Ordinal);
        AwsRequest request = new(
            Encoding.ASCII.GetString(call.Request.Method), query < 0 ? target : target[..query],
            query < 0 ? "" : target[(query + 1)..], fields, payload);
        string authorization = AwsSignature.Authorization(
            request, scope, secret.Field("access_key"), secret.Field("secret_key"));

        // As good as the request that it signs for a quarter of an hour, and errors of the services show it.
        call.Secrets.Add(Encoding.ASCII.GetBytes(authorization[(authorization.LastIndexOf('=') + 1)..]));
        foreach ((string name, string value) in fields.Skip(1)) PutField(output, name, value);
        PutField(output, "Authorization", authorization);
    }

    private static void PutField(IBufferWriter<byte> output, string name, string value)
    {
        WireText.PutAscii(output, name);
        WireText.Put(output, ": "u8);
        WireText.PutAscii(output, value);
        WireText.Put(output, "\r\n"u8);
    }
}
