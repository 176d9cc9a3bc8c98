namespace Countersign.Masking.Detectors;

/// <summary>
/// A private key between <c>-----BEGIN … PRIVATE KEY-----</c> and its end line (RFC 7468 section 2; OpenPGP writes
/// <c>PRIVATE KEY BLOCK</c>). Where the end line is missing, a key that was cut, it reaches as far as a key can: over
/// <see cref="DetectorLimits.DetectionBytesMax"/> bytes whatever they are, and from there as far as they look like one.
/// </summary>
internal static class PrivateKeyBlock
{
    private const int LabelMax = 32;

    /// <summary>Bytes of the longest end line.</summary>
    public const int EndLineBytesMax = 9 + LabelMax + 5;

    private static ReadOnlySpan<byte> Begin => "-----BEGIN "u8;

    /// <summary>What an end line begins with.</summary>
    public static ReadOnlySpan<byte> End => "-----END "u8;

    /// <summary>What lines end with.</summary>
    public static ReadOnlySpan<byte> Dashes => "-----"u8;

    /// <summary>The length of the key whose begin line is at <paramref name="start"/>, or 0.</summary>
    public static int Match(ReadOnlySpan<byte> value, int start)
    {
        int length = MatchHead(value, start, out bool isWhole);
        if (isWhole || length < DetectorLimits.DetectionBytesMax) return length;
        PrivateKeyTail tail = TailOf(value.Slice(start, length));
        return length + tail.Take(value[(start + length)..]);
    }

    /// <summary>True if the key at <paramref name="start"/> has its end line within
    /// <see cref="DetectorLimits.DetectionBytesMax"/> bytes.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> value, int start)
    {
        MatchHead(value, start, out bool isWhole);
        return isWhole;
    }

    /// <summary>What goes on behind <paramref name="head"/>, the first <see cref="DetectorLimits.DetectionBytesMax"/>
    /// bytes of a key without their end line.</summary>
    public static PrivateKeyTail TailOf(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> label = head[Begin.Length..];
        var tail = default(PrivateKeyTail);
        tail.Begin(head, label[..LabelOf(label)]);
        return tail;
    }

    private static int MatchHead(ReadOnlySpan<byte> value, int start, out bool isWhole)
    {
        isWhole = false;
        if (start < 0) return 0;
        ReadOnlySpan<byte> text = value[start..Math.Min(value.Length, start + DetectorLimits.DetectionBytesMax)];
        if (!text.StartsWith(Begin)) return 0;
        ReadOnlySpan<byte> afterBegin = text[Begin.Length..];
        int labelLength = LabelOf(afterBegin);
        if (labelLength == 0) return 0;
        ReadOnlySpan<byte> label = afterBegin[..labelLength];
        int place = Begin.Length + labelLength + Dashes.Length;
        while (true)
        {
            int next = text[place..].IndexOf(End);
            if (next < 0) return text.Length;
            place += next + End.Length;
            ReadOnlySpan<byte> after = text[place..];
            if (!after.StartsWith(label) || !after[labelLength..].StartsWith(Dashes)) continue;
            isWhole = true;
            return place + labelLength + Dashes.Length;
        }
    }

    private static int LabelOf(ReadOnlySpan<byte> text)
    {
        int length = 0;
        while (length < text.Length && length <= LabelMax
            && (AsciiClass.IsUpper(text[length]) || AsciiClass.IsDigit(text[length]) || text[length] == ' '))
        {
            length++;
        }

        ReadOnlySpan<byte> label = text[..length];
        bool isPrivate = label.EndsWith("PRIVATE KEY"u8) || label.EndsWith("PRIVATE KEY BLOCK"u8);
        return isPrivate && length <= LabelMax && text[length..].StartsWith(Dashes) ? length : 0;
    }
}
