namespace Countersign.Masking;

/// <summary>
/// UTF-8 of one code point (RFC 3629 section 3). Unlike the library's it also encodes half a surrogate pair, to bytes
/// that no valid text holds, so that a key with one compares unequal to every rule's name.
/// </summary>
internal static class Utf8Bytes
{
    /// <summary>The most bytes a code point takes.</summary>
    public const int Max = 4;

    /// <summary>Writes <paramref name="point"/>, 0 to 0x10FFFF, to <paramref name="target"/>; returns how many
    /// bytes.</summary>
    public static int Encode(int point, Span<byte> target)
    {
        if (point < 0x80)
        {
            target[0] = (byte)point;
            return 1;
        }

        int length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        for (int place = length - 1; place > 0; place--)
        {
            target[place] = (byte)(0x80 | (point & 0x3F));
            point >>= 6;
        }

        target[0] = (byte)((length == 2 ? 0xC0 : length == 3 ? 0xE0 : 0xF0) | point);
        return length;
    }
}
