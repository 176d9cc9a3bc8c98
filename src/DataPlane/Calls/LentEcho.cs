using System.Buffers;
using Countersign.DataPlane.Http;
using Countersign.Identity.Outbound;
using Countersign.Masking.Content;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// What was lent must not come back: an upstream that shows its request, in an error or on purpose, would hand the
/// caller the credential that it must never have (decision 0078).
/// </summary>
internal static class LentEcho
{
    private const string UserName = "username";

    /// <summary>Notes what of this call's credential is secret; good until the call's leases are returned.</summary>
    [HotPath]
    internal static void Expect(CallContext call, CredentialPlace place)
    {
        ReadOnlyMemory<byte> written = call.Credential.WrittenMemory;
        if (call.Secret is { } secret) ExpectFields(call, place, secret);
        else if (place.Prefix.Length + place.Suffix.Length < written.Length)
            call.Secrets.Add(written[place.Prefix.Length..^place.Suffix.Length]);
    }

    /// <summary>True if the answer is looked into for what was lent, and so is asked for unencoded.</summary>
    [HotPath]
    internal static bool LooksInto(CallContext call) =>
        !call.Secrets.IsEmpty && !call.Function!.Upstream.Credential.PassesEncoded;

    /// <summary>True if what was lent may be in the answer's body where it cannot be seen: nobody asked for a coding,
    /// and it came under one.</summary>
    [HotPath]
    internal static bool MayHideIn(CallContext call, ResponseHead head) =>
        head.Count(FieldId.ContentEncoding) > 0 && LooksInto(call);

    /// <summary>True if trailers hold what was lent: they are left out then.</summary>
    internal static bool IsIn(CallContext call, TrailerSection trailers)
    {
        foreach (ref readonly FieldSlice field in trailers.Fields)
        {
            if (call.Secrets.HoldsAny(trailers.Value(field))) return true;
        }

        return false;
    }

    /// <summary>Writes a field of the answer's, without what was lent.</summary>
    [HotPath]
    internal static void PutField(
        IBufferWriter<byte> output, SecretFilter secrets, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (secrets.HoldsAny(value)) PutClean(output, secrets, name, value);
        else WireText.PutField(output, name, value);
    }

    private static void PutClean(
        IBufferWriter<byte> output, SecretFilter secrets, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        WireText.Put(output, name);
        WireText.Put(output, ": "u8);
        Span<byte> clean = output.GetSpan(value.Length)[..value.Length];
        value.CopyTo(clean);
        secrets.Overwrite(clean);
        output.Advance(value.Length);
        WireText.Put(output, "\r\n"u8);
    }

    // What goes into the header, or signs it and goes along; never a name, which opens nothing and may well be in data.
    private static void ExpectFields(CallContext call, CredentialPlace place, LentSecret secret)
    {
        switch (place.Form)
        {
            case CredentialForm.AwsSigV4:
                call.Secrets.Add(secret.Bytes("secret_key"));
                call.Secrets.Add(secret.Bytes("security_token"));
                break;
            case CredentialForm.Basic:
                call.Secrets.Add(call.Credential.WrittenMemory["Basic ".Length..]);
                call.Secrets.Add(secret.Bytes("password"));
                break;
            default:
                foreach (string part in place.Value.Split('{').Skip(1))
                {
                    string field = part[..part.IndexOf('}', StringComparison.Ordinal)];
                    if (field != UserName) call.Secrets.Add(secret.Bytes(field));
                }

                break;
        }
    }
}
