using System.Buffers;

namespace Countersign.DataPlane.Http;

/// <summary>The character classes of RFC 9110 section 5.6 and RFC 3986, as vectorised sets.</summary>
internal static class HttpChars
{
    private const string Alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>tchar: what methods and field names are made of.</summary>
    internal static readonly SearchValues<byte> Token =
        SearchValues.Create(Ascii("!#$%&'*+-.^_`|~" + Alphanumeric));

    /// <summary>VCHAR, obs-text, SP and HTAB: what field values are made of.</summary>
    internal static readonly SearchValues<byte> FieldValue = SearchValues.Create(FieldValueBytes());

    /// <summary>pchar, '/', '?' and '%' of RFC 3986; nothing else may stand in a request target.</summary>
    internal static readonly SearchValues<byte> Target =
        SearchValues.Create(Ascii("-._~!$&'()*+,;=:@/?%" + Alphanumeric));

    /// <summary>
    /// What reg-names, IP literals and ports are made of; not the comma, which would look like a list.
    /// </summary>
    internal static readonly SearchValues<byte> Host =
        SearchValues.Create(Ascii("-._~!$&'()*+;=:[]" + Alphanumeric));

    /// <summary>What stands between the brackets of an IPv6 literal.</summary>
    internal static readonly SearchValues<byte> IPv6 = SearchValues.Create(Ascii("0123456789ABCDEFabcdef:."));

    /// <summary>True if every byte is in <paramref name="set"/>.</summary>
    internal static bool All(ReadOnlySpan<byte> bytes, SearchValues<byte> set) => bytes.IndexOfAnyExcept(set) < 0;

    /// <summary>The value of a hexadecimal digit, or -1.</summary>
    internal static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };

    private static byte[] Ascii(string text) => System.Text.Encoding.ASCII.GetBytes(text);

    private static byte[] FieldValueBytes()
    {
        List<byte> bytes = [(byte)'\t'];
        for (int value = 0x20; value <= 0xFF; value++)
        {
            if (value != 0x7F) bytes.Add((byte)value);
        }

        return [.. bytes];
    }
}
