using System.Text;

namespace Countersign.Masking.Content;

/// <summary>A content coding of RFC 9110 section 8.4.1. Zero is none that is known.</summary>
internal enum ContentCoding : byte
{
    /// <summary>Cannot be decoded.</summary>
    Unknown = 0,

    /// <summary>The bytes themselves.</summary>
    Identity,

    /// <summary>RFC 1952.</summary>
    Gzip,

    /// <summary>RFC 7932.</summary>
    Brotli,

    /// <summary>RFC 1950, or RFC 1951 alone as some servers send it.</summary>
    Deflate,

    /// <summary>RFC 8878, with the window of RFC 9659.</summary>
    Zstd,
}

/// <summary>Reads Content-Encoding fields.</summary>
internal static class ContentCodings
{
    /// <summary>
    /// Reads the codings of a field in the order they were applied, identity left out. False if one is unknown, the
    /// list is not well-formed, or there are more than <see cref="ContentLimits.CodingsMax"/>, for which
    /// <paramref name="codings"/> has room.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> field, Span<ContentCoding> codings, out int count)
    {
        count = 0;
        if (field.Trim(" \t"u8).IsEmpty) return true;
        foreach (Range range in field.Split((byte)','))
        {
            ContentCoding coding = Of(field[range].Trim(" \t"u8));
            if (coding == ContentCoding.Unknown) return false;
            if (coding == ContentCoding.Identity) continue;
            if (count == ContentLimits.CodingsMax) return false;
            codings[count++] = coding;
        }

        return true;
    }

    private static ContentCoding Of(ReadOnlySpan<byte> name)
    {
        if (Ascii.EqualsIgnoreCase(name, "gzip"u8) || Ascii.EqualsIgnoreCase(name, "x-gzip"u8))
            return ContentCoding.Gzip;
        if (Ascii.EqualsIgnoreCase(name, "br"u8)) return ContentCoding.Brotli;
        if (Ascii.EqualsIgnoreCase(name, "deflate"u8)) return ContentCoding.Deflate;
        if (Ascii.EqualsIgnoreCase(name, "zstd"u8)) return ContentCoding.Zstd;
        return Ascii.EqualsIgnoreCase(name, "identity"u8) ? ContentCoding.Identity : ContentCoding.Unknown;
    }
}
