using System.Buffers;
using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>
/// Accept-Encoding (RFC 9110 section 12.5.3), cut down to the codings that a masked answer can come in.
/// </summary>
internal static class AcceptedCodings
{
    /// <summary>
    /// Writes those of the client's codings that masks can decode, as a whole field; identity where there is none.
    /// </summary>
    internal static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> accepted)
    {
        WireText.Put(output, "Accept-Encoding: "u8);
        bool isFirst = true;
        foreach (Range range in accepted.Split((byte)','))
        {
            ReadOnlySpan<byte> element = accepted[range];
            int weight = element.IndexOf((byte)';');
            ReadOnlySpan<byte> coding = (weight < 0 ? element : element[..weight]).Trim(" \t"u8);
            if (!IsDecoded(coding) || (weight >= 0 && IsRefused(element[(weight + 1)..]))) continue;
            if (!isFirst) WireText.Put(output, ", "u8);
            WireText.Put(output, coding);
            isFirst = false;
        }

        WireText.Put(output, isFirst ? "identity\r\n"u8 : "\r\n"u8);
    }

    private static bool IsDecoded(ReadOnlySpan<byte> coding) =>
        Ascii.EqualsIgnoreCase(coding, "gzip"u8) || Ascii.EqualsIgnoreCase(coding, "br"u8)
        || Ascii.EqualsIgnoreCase(coding, "zstd"u8) || Ascii.EqualsIgnoreCase(coding, "deflate"u8);

    // A weight of nothing but zeros; one that is not well-formed counts as one too.
    private static bool IsRefused(ReadOnlySpan<byte> parameter)
    {
        parameter = parameter.Trim(" \t"u8);
        bool isWeight = parameter.Length > 2 && (parameter[0] | 0x20) == 'q' && parameter[1] == '=';
        return !isWeight || !parameter[2..].ContainsAnyInRange((byte)'1', (byte)'9');
    }
}
