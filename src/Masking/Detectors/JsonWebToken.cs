using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>
/// A token in the compact form of RFC 7515 section 7.1, or of RFC 7516 section 7.1 with its five parts: base64url parts
/// parted by dots, of which the first decodes to a JSON object with the member <c>alg</c>. The last part of three may
/// be empty, as an unsecured token has it, or the second, as a token has it whose content is detached (RFC 7515
/// appendix F) or whose key was agreed upon (RFC 7516 section 5.1).
/// </summary>
internal static class JsonWebToken
{
    private const int SignedParts = 3;
    private const int EncryptedParts = 5;
    private const int ShortHeaderMax = 128;

    private static readonly SearchValues<byte> Text = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    /// <summary>The length of the token at <paramref name="start"/>, or 0.</summary>
    public static int Match(ReadOnlySpan<byte> value, int start)
    {
        if (start > 0 && AsciiClass.IsBase64Url(value[start - 1])) return 0;
        ReadOnlySpan<byte> text = value[start..Math.Min(value.Length, start + DetectorLimits.DetectionBytesMax + 1)];
        int header = Part(text[..Math.Min(text.Length, DetectorLimits.TokenHeaderMax + 1)]);
        if (header > DetectorLimits.TokenHeaderMax || header + 2 >= text.Length || text[header] != '.') return 0;
        int payload = Part(text[(header + 1)..]);
        int end = header + 1 + payload;
        if (end >= text.Length || text[end] != '.') return 0;
        int signature = Part(text[(end + 1)..]);
        if (payload == 0 && signature == 0) return 0;
        end += 1 + signature;
        if (end > DetectorLimits.DetectionBytesMax || !IsHeader(text[..header])) return 0;
        return Encrypted(text, end);
    }

    private static int Part(ReadOnlySpan<byte> text)
    {
        int length = text.IndexOfAnyExcept(Text);
        return length < 0 ? text.Length : length;
    }

    // Two more parts that are not empty belong to it too.
    private static int Encrypted(ReadOnlySpan<byte> text, int signed)
    {
        int end = signed;
        for (int part = SignedParts; part < EncryptedParts; part++)
        {
            if (end >= text.Length || text[end] != '.') return signed;
            int length = Part(text[(end + 1)..]);
            if (length == 0) return signed;
            end += 1 + length;
        }

        return end > DetectorLimits.DetectionBytesMax ? signed : end;
    }

    private static bool IsHeader(ReadOnlySpan<byte> text)
    {
        if (text.Length % 4 == 1) return false;
        return text.Length <= ShortHeaderMax ? IsShortHeader(text) : IsLongHeader(text);
    }

    // Most headers are short: what the stack is cleared for would cost more than they do.
    private static bool IsShortHeader(ReadOnlySpan<byte> text)
    {
        Span<byte> decoded = stackalloc byte[ShortHeaderMax];
        return IsHeader(text, decoded);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsLongHeader(ReadOnlySpan<byte> text)
    {
        Span<byte> decoded = stackalloc byte[DetectorLimits.TokenHeaderMax];
        return IsHeader(text, decoded);
    }

    private static bool IsHeader(ReadOnlySpan<byte> text, Span<byte> decoded)
    {
        OperationStatus status = Base64Url.DecodeFromUtf8(text, decoded, out _, out int written);
        return status == OperationStatus.Done && TokenHeader.HasAlgorithm(decoded[..written]);
    }
}
