using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>
/// Names that tell of a secret: those that end, in any case and with any separators, in one of these words.
/// <c>db_password</c>, <c>Client-Secret</c> and <c>apiKey</c> are such; <c>passwordPolicy</c> and <c>tokenType</c> are
/// not.
/// </summary>
internal static class TellingNames
{
    private const int EndLetters = 3;

    private static readonly byte[][] Words =
    [
        [.. "password"u8], [.. "passwd"u8], [.. "pwd"u8], [.. "passphrase"u8], [.. "passcode"u8], [.. "secret"u8],
        [.. "token"u8], [.. "apikey"u8], [.. "accesskey"u8], [.. "secretkey"u8], [.. "privatekey"u8],
        [.. "signingkey"u8], [.. "encryptionkey"u8], [.. "masterkey"u8], [.. "sharedkey"u8], [.. "accountkey"u8],
        [.. "authkey"u8], [.. "credential"u8], [.. "credentials"u8], [.. "authorization"u8], [.. "bearer"u8],
        [.. "sessionid"u8], [.. "cookie"u8],
    ];

    private static readonly uint[] LikelyEnds = BitsOfEnds();   // by the lower five bits of three letters
    private static readonly int[] Ends = [.. Words.Select(word => EndOf(word))];

    /// <summary>What telling names end with, but for those with a separator among their last three bytes.</summary>
    public static KeyTrails Trails { get; } = KeyTrails.OfEnds(Words);

    /// <summary>True if the decoded name <paramref name="key"/>, of any length, tells of a secret.</summary>
    public static bool IsTelling(ReadOnlySpan<byte> key)
    {
        int last = LastLetters(key);
        if (!IsLikely(last >> 16, last >> 8, last)) return false;
        for (int word = 0; word < Words.Length; word++)
        {
            if (Ends[word] == last && EndsIn(key, Words[word])) return true;
        }

        return false;
    }

    /// <summary>False if the decoded key that <paramref name="text"/> ends with is surely not telling.</summary>
    public static bool MayEndKey(ReadOnlySpan<byte> text)
    {
        int last = LastLetters(text);
        return IsLikely(last >> 16, last >> 8, last);
    }

    /// <summary>False if the name before the sign at <paramref name="sign"/> is surely not telling. It may stand in
    /// quotes, and one blank may follow it; it is not telling if it ends in a separator.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayEndBefore(ReadOnlySpan<byte> text, int sign)
    {
        int last = sign - 1;
        if (last > 0 && text[last] == ' ') last--;
        if (last > 0 && text[last] is (byte)'"' or (byte)'\'') last--;
        if (last < EndLetters - 1 || !AsciiClass.IsLetter(text[last])) return false;
        byte before = text[last - 1];
        byte first = text[last - 2];
        return !AsciiClass.IsLetter(before) || !AsciiClass.IsLetter(first) || IsLikely(first, before, text[last]);
    }

    // In any case, whatever stands between letters and digits.
    private static bool EndsIn(ReadOnlySpan<byte> key, byte[] word)
    {
        int left = word.Length;
        for (int place = key.Length - 1; place >= 0 && left > 0; place--)
        {
            byte one = key[place];
            if (!AsciiClass.IsWord(one)) continue;
            if ((one | 0x20) != word[--left]) return false;
        }

        return left == 0;
    }

    // The last three letters or digits as one number, capitals as small ones.
    private static int LastLetters(ReadOnlySpan<byte> text)
    {
        int last = 0;
        int letters = 0;
        for (int place = text.Length - 1; place >= 0 && letters < EndLetters; place--)
        {
            byte one = text[place];
            if (AsciiClass.IsWord(one)) last |= (one | 0x20) << (8 * letters++);
        }

        return last;
    }

    private static int EndOf(ReadOnlySpan<byte> letters) => letters[^3] << 16 | letters[^2] << 8 | letters[^1];

    // Most names are told apart by their last three letters.
    private static bool IsLikely(int first, int before, int last)
    {
        int place = (first & 31) << 10 | (before & 31) << 5 | last & 31;
        return (LikelyEnds[place >> 5] >> place & 1) != 0;
    }

    private static uint[] BitsOfEnds()
    {
        uint[] bits = new uint[1 << 10];
        foreach (byte[] word in Words)
        {
            int place = (word[^3] & 31) << 10 | (word[^2] & 31) << 5 | word[^1] & 31;
            bits[place >> 5] |= 1U << place;
        }

        return bits;
    }
}
