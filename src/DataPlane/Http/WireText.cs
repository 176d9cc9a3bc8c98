using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>Writes heads and chunk frames as bytes into a pipe or a buffer.</summary>
internal static class WireText
{
    /// <summary>Writes bytes.</summary>
    [HotPath]
    internal static void Put(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes) => output.Write(bytes);

    /// <summary>Writes a number in decimal.</summary>
    [HotPath]
    internal static void Put(IBufferWriter<byte> output, long number)
    {
        Span<byte> digits = output.GetSpan(20);
        Utf8Formatter.TryFormat(number, digits, out int count);
        output.Advance(count);
    }

    /// <summary>Writes ASCII text.</summary>
    [HotPath]
    internal static void PutAscii(IBufferWriter<byte> output, string text)
    {
        Span<byte> bytes = output.GetSpan(text.Length);
        Ascii.FromUtf16(text, bytes, out int count);
        output.Advance(count);
    }

    /// <summary>Writes one field line.</summary>
    [HotPath]
    internal static void PutField(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int length = name.Length + value.Length + 4;
        Span<byte> line = output.GetSpan(length)[..length];
        PutName(line, name);
        value.CopyTo(line[(name.Length + 2)..]);
        "\r\n"u8.CopyTo(line[^2..]);
        output.Advance(length);
    }

    /// <summary>Writes one field line with a number.</summary>
    [HotPath]
    internal static void PutField(IBufferWriter<byte> output, ReadOnlySpan<byte> name, long value)
    {
        const int NumberBytesMax = 20;
        Span<byte> line = output.GetSpan(name.Length + NumberBytesMax + 4);
        PutName(line, name);
        int end = name.Length + 2;
        Utf8Formatter.TryFormat(value, line[end..], out int count);
        end += count;
        "\r\n"u8.CopyTo(line[end..]);
        output.Advance(end + 2);
    }

    private static void PutName(Span<byte> line, ReadOnlySpan<byte> name)
    {
        name.CopyTo(line);
        ": "u8.CopyTo(line[name.Length..]);
    }

    /// <summary>Writes Via for a message received in this version (RFC 9110 section 7.6.3).</summary>
    [HotPath]
    internal static void PutVia(IBufferWriter<byte> output, int minorVersion) =>
        output.Write(minorVersion == 1 ? "Via: 1.1 countersign\r\n"u8 : "Via: 1.0 countersign\r\n"u8);

    /// <summary>
    /// Writes one chunk (RFC 9112 section 7.1). An empty one would end the body, so nothing is written for it.
    /// </summary>
    [HotPath]
    internal static void PutChunk(IBufferWriter<byte> output, ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty) return;
        Span<byte> size = output.GetSpan(10);
        Utf8Formatter.TryFormat(data.Length, size, out int count, new StandardFormat('x'));
        "\r\n"u8.CopyTo(size[count..]);
        output.Advance(count + 2);
        output.Write(data);
        output.Write("\r\n"u8);
    }
}
