using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Identity.Outbound;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>Makes a header's value of a credential's fields.</summary>
internal static class CredentialText
{
    /// <summary>
    /// Writes it; false if a field is missing, or has a byte that would end the header or say another one. What a
    /// signature is made of is not written here.
    /// </summary>
    internal static bool TryWrite(CredentialPlace place, LentSecret secret, LeasedBuffer destination)
    {
        switch (place.Form)
        {
            case CredentialForm.AwsSigV4:
                return !secret.Field("access_key").IsEmpty && !secret.Field("secret_key").IsEmpty
                    && IsFieldText(secret.Field("access_key")) && IsFieldText(secret.Field("security_token"));
            case CredentialForm.Basic:
                return TryWriteBasic(secret, destination);
            default:
                return TryWriteTemplate(place.Value, secret, destination);
        }
    }

    private static bool TryWriteTemplate(string value, LentSecret secret, LeasedBuffer destination)
    {
        int at = 0;
        while (at < value.Length)
        {
            int open = value.IndexOf('{', at);
            WireText.PutAscii(destination, value[at..(open < 0 ? value.Length : open)]);
            if (open < 0) break;
            int close = value.IndexOf('}', open);
            ReadOnlySpan<byte> field = secret.Field(value[(open + 1)..close]);
            if (field.IsEmpty || !IsFieldText(field)) return false;
            WireText.Put(destination, field);
            at = close + 1;
        }

        return true;
    }

    // RFC 7617 section 2: no colon in the name, no control character in either.
    private static bool TryWriteBasic(LentSecret secret, LeasedBuffer destination)
    {
        ReadOnlySpan<byte> name = secret.Field("username");
        ReadOnlySpan<byte> password = secret.Field("password");
        if (name.IsEmpty || name.Contains((byte)':') || HasControl(name) || HasControl(password)) return false;
        WireText.Put(destination, "Basic "u8);
        int count = name.Length + 1 + password.Length;
        Span<byte> text = destination.GetSpan(Base64.GetMaxEncodedToUtf8Length(count));
        name.CopyTo(text);
        text[name.Length] = (byte)':';
        password.CopyTo(text[(name.Length + 1)..]);
        if (Base64.EncodeToUtf8InPlace(text, count, out int written) != OperationStatus.Done) return false;
        destination.Advance(written);
        return true;
    }

    private static bool IsFieldText(ReadOnlySpan<byte> field) =>
        !field.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E);

    private static bool HasControl(ReadOnlySpan<byte> text) =>
        text.ContainsAnyInRange((byte)0, (byte)0x1F) || text.Contains((byte)0x7F);
}
