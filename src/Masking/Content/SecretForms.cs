using System.Buffers;
using System.Globalization;
using System.Text;

namespace Countersign.Masking.Content;

/// <summary>How JSON (RFC 8259 section 7) and URLs (RFC 3986 section 2.1) write a value that has characters which they,
/// or a usual writer of theirs, escape.</summary>
internal static class SecretForms
{
    private static readonly SearchValues<byte> Unreserved = SearchValues.Create(
        "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>The forms that differ from the value itself; none for what nothing escapes, as a JWT.</summary>
    internal static byte[][] Of(ReadOnlySpan<byte> value)
    {
        if (value.IndexOfAnyExcept(Unreserved) < 0) return [];
        return
        [
            Escaped(value, ""), // what must be escaped
            Escaped(value, "/"), // PHP, and older writers in Java
            Escaped(value, "<>&", "\\u00{0:x2}"), // Go
            Escaped(value, "<>&'+\"`", "\\u00{0:X2}"), // .NET
            Escaped(value, "<>&'+\"`", "\\u00{0:x2}"),
            Percent(value, "%{0:X2}"),
            Percent(value, "%{0:x2}"),
        ];
    }

    // A quotation mark and a backslash always; of the others those that are given, by a backslash or as code points.
    private static byte[] Escaped(ReadOnlySpan<byte> value, string also, string format = "\\{0}")
    {
        List<byte> form = new(value.Length * 2);
        foreach (byte one in value)
        {
            bool isGiven = also.Contains((char)one, StringComparison.Ordinal);
            if (isGiven && format.Contains(':', StringComparison.Ordinal)) Add(form, format, one);
            else if (isGiven || one is (byte)'"' or (byte)'\\') form.AddRange([(byte)'\\', one]);
            else form.Add(one);
        }

        return [.. form];
    }

    private static byte[] Percent(ReadOnlySpan<byte> value, string format)
    {
        List<byte> form = new(value.Length * 2);
        foreach (byte one in value)
        {
            if (Unreserved.Contains(one)) form.Add(one);
            else Add(form, format, one);
        }

        return [.. form];
    }

    private static void Add(List<byte> form, string format, byte one) =>
        form.AddRange(Encoding.ASCII.GetBytes(string.Format(CultureInfo.InvariantCulture, format, one)));
}
