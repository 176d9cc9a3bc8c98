using System.Text;

namespace Countersign.Masking.Content;

/// <summary>Reads a part's head (RFC 2046 section 5.1, RFC 7578 section 4): what the part is made of.</summary>
internal static class PartHead
{
    /// <summary>
    /// Reads the lines of <paramref name="head"/>, each ended by CR LF. False if a line is not well-formed, a field
    /// that matters is repeated, or the part is encoded. A part without a content type is text, as RFC 2046 has it.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> head, out ContentKind kind, out ReadOnlySpan<byte> name)
    {
        kind = ContentKind.Text;
        name = default;
        bool hasType = false;
        bool hasDisposition = false;
        while (!head.IsEmpty)
        {
            int end = head.IndexOf("\r\n"u8);
            if (end < 0) return false;
            ReadOnlySpan<byte> line = head[..end];
            head = head[(end + 2)..];
            int colon = line.IndexOf((byte)':');
            bool isLine = colon > 0 && line[0] is not ((byte)' ' or (byte)'\t') && line.IndexOfAny("\r\n\0"u8) < 0;
            if (!isLine) return false;
            ReadOnlySpan<byte> field = line[..colon];
            ReadOnlySpan<byte> value = line[(colon + 1)..].Trim(" \t"u8);
            if (Ascii.EqualsIgnoreCase(field, "content-type"u8))
            {
                if (hasType) return false;
                hasType = true;
                kind = ContentShape.Of(value).Kind;
            }
            else if (Ascii.EqualsIgnoreCase(field, "content-disposition"u8))
            {
                if (hasDisposition || !TryName(value, out name)) return false;
                hasDisposition = true;
            }
            else if (IsRefused(field, value))
            {
                return false;
            }
        }

        return true;
    }

    // A length would no longer be right, and an encoding hides the part.
    private static bool IsRefused(ReadOnlySpan<byte> field, ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(field, "content-length"u8)) return true;
        if (Ascii.EqualsIgnoreCase(field, "content-encoding"u8)) return !Ascii.EqualsIgnoreCase(value, "identity"u8);
        if (!Ascii.EqualsIgnoreCase(field, "content-transfer-encoding"u8)) return false;
        return !Ascii.EqualsIgnoreCase(value, "7bit"u8) && !Ascii.EqualsIgnoreCase(value, "8bit"u8)
            && !Ascii.EqualsIgnoreCase(value, "binary"u8);
    }

    // RFC 7578 section 4.2 forbids name*, and its pieces name*0: readers of RFC 8187 and RFC 2231 prefer them to name.
    private static bool TryName(ReadOnlySpan<byte> disposition, out ReadOnlySpan<byte> name)
    {
        name = default;
        var parameters = new HeaderParameters(disposition);
        bool isNamed = false;
        while (parameters.MoveNext())
        {
            ReadOnlySpan<byte> parameter = parameters.Name;
            int star = parameter.IndexOf((byte)'*');
            if (!Ascii.EqualsIgnoreCase(star < 0 ? parameter : parameter[..star], "name"u8)) continue;
            if (isNamed || star >= 0) return false;
            isNamed = true;
            name = parameters.Value;
        }

        return !parameters.IsMalformed;
    }
}
