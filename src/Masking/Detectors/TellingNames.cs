namespace Countersign.Masking.Detectors;

/// <summary>
/// Names that tell of a secret: those that end, in any case and with any separators, in one of these words.
/// <c>db_password</c>, <c>Client-Secret</c> and <c>apiKey</c> are such; <c>passwordPolicy</c> and <c>tokenType</c> are
/// not.
/// </summary>
internal static class TellingNames
{
    private const int LettersMax = 24;
    private const int EndLetters = 3;

    private static readonly byte[][] Words =
    [
        [.. "password"u8], [.. "passwd"u8], [.. "pwd"u8], [.. "passphrase"u8], [.. "passcode"u8], [.. "secret"u8],
        [.. "token"u8], [.. "apikey"u8], [.. "accesskey"u8], [.. "secretkey"u8], [.. "privatekey"u8],
        [.. "signingkey"u8], [.. "encryptionkey"u8], [.. "masterkey"u8], [.. "sharedkey"u8], [.. "accountkey"u8],
        [.. "authkey"u8], [.. "credential"u8], [.. "credentials"u8], [.. "authorization"u8], [.. "bearer"u8],
        [.. "sessionid"u8], [.. "cookie"u8],
    ];

    /// <summary>What telling names end with, but for those with a separator among their last three bytes.</summary>
    public static KeyTrails Trails { get; } = KeyTrails.OfEnds(Words);

    /// <summary>True if the decoded name <paramref name="key"/>, of any length, tells of a secret.</summary>
    public static bool IsTelling(ReadOnlySpan<byte> key)
    {
        if (!MayEndKey(key)) return false;

        // From the end: small letters and digits alone, as many as the longest word has.
        Span<byte> folded = stackalloc byte[LettersMax];
        int first = LettersMax;
        for (int place = key.Length - 1; place >= 0 && first > 0; place--)
        {
            byte one = key[place];
            if (AsciiClass.IsWord(one)) folded[--first] = AsciiClass.IsUpper(one) ? (byte)(one | 0x20) : one;
        }

        ReadOnlySpan<byte> letters = folded[first..];
        foreach (byte[] word in Words)
        {
            if (letters.EndsWith(word)) return true;
        }

        return false;
    }

    /// <summary>False if the decoded key that <paramref name="text"/> ends with is surely not telling.</summary>
    public static bool MayEndKey(ReadOnlySpan<byte> text)
    {
        int last = 0;
        int letters = 0;
        for (int place = text.Length - 1; place >= 0 && letters < EndLetters; place--)
        {
            byte one = text[place];
            if (!AsciiClass.IsWord(one)) continue;
            last |= (AsciiClass.IsUpper(one) ? one | 0x20 : one) << (8 * letters++);
        }

        return EndsLikely(last);
    }

    /// <summary>False if the name that <paramref name="text"/> ends with is surely not telling; it is not if it
    /// ends in a separator.</summary>
    public static bool MayEnd(ReadOnlySpan<byte> text)
    {
        if (text.Length < 3 || !AsciiClass.IsLetter(text[^1])) return false;
        ReadOnlySpan<byte> last = text[^3..];
        bool isLetters = AsciiClass.IsLetter(last[0]) && AsciiClass.IsLetter(last[1]);
        if (!isLetters) return true;
        return EndsLikely((last[0] | 0x20) << 16 | (last[1] | 0x20) << 8 | last[2] | 0x20);
    }

    // The last three letters of all words, as one number: most names are told apart by them.
    private static bool EndsLikely(int last) => last switch
    {
        'o' << 16 | 'r' << 8 | 'd' or 's' << 16 | 'w' << 8 | 'd' or 'p' << 16 | 'w' << 8 | 'd' => true,
        'a' << 16 | 's' << 8 | 'e' or 'o' << 16 | 'd' << 8 | 'e' or 'r' << 16 | 'e' << 8 | 't' => true,
        'k' << 16 | 'e' << 8 | 'n' or 'k' << 16 | 'e' << 8 | 'y' or 'i' << 16 | 'a' << 8 | 'l' => true,
        'a' << 16 | 'l' << 8 | 's' or 'i' << 16 | 'o' << 8 | 'n' or 'r' << 16 | 'e' << 8 | 'r' => true,
        'n' << 16 | 'i' << 8 | 'd' or 'k' << 16 | 'i' << 8 | 'e' => true,
        _ => false,
    };
}
