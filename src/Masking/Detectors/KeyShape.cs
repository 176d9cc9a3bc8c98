using System.Buffers;

namespace Countersign.Masking.Detectors;

/// <summary>Which characters follow a key's prefix.</summary>
internal enum KeyAlphabet
{
    /// <summary>Letters and digits.</summary>
    Word,

    /// <summary>Capitals and digits.</summary>
    Upper,

    /// <summary>Letters, digits, dash and underscore.</summary>
    Url,

    /// <summary>As <see cref="Url"/>, and dots that something follows.</summary>
    Dotted,

    /// <summary>Letters, digits, and the slash.</summary>
    Path,

    /// <summary>Letters, digits, plus and slash.</summary>
    Base64,
}

/// <summary>A prefix, and how much of an alphabet follows it.</summary>
internal sealed class KeyShape
{
    private const string Words = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly SearchValues<byte>[] Alphabets =
    [
        Of(Words), Of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), Of(Words + "-_"), Of(Words + "-_."), Of(Words + "/"),
        Of(Words + "+/"),
    ];

    private readonly byte[] _prefix;
    private readonly KeyAlphabet _alphabet;
    private readonly int _least;
    private readonly int _most;
    private readonly bool _isMixed;

    public KeyShape(ReadOnlySpan<byte> prefix, KeyAlphabet alphabet, int least, int most, bool isMixed = false)
    {
        _prefix = prefix.ToArray();
        _alphabet = alphabet;
        _least = least;
        _most = most;
        _isMixed = isMixed;
    }

    /// <summary>The length of the key that <paramref name="text"/> begins with, or 0.</summary>
    public int Match(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith(_prefix)) return 0;
        ReadOnlySpan<byte> rest = text[_prefix.Length..];
        int length = Run(rest, _alphabet, _most + 1);
        while (_alphabet == KeyAlphabet.Dotted && length > 0 && rest[length - 1] == '.') length--;
        if (length < _least || length > _most || !AsciiClass.EndsWord(rest, length)) return 0;
        return !_isMixed || IsMixed(rest[..length]) ? _prefix.Length + length : 0;
    }

    /// <summary>How many bytes of the alphabet <paramref name="text"/> begins with, counted up to
    /// <paramref name="most"/>.</summary>
    public static int Run(ReadOnlySpan<byte> text, KeyAlphabet alphabet, int most)
    {
        ReadOnlySpan<byte> counted = text[..Math.Min(most, text.Length)];
        int length = counted.IndexOfAnyExcept(Alphabets[(int)alphabet]);
        return length < 0 ? counted.Length : length;
    }

    /// <summary>True if capitals, small letters and digits are in it: words with dashes have no digits, identifiers in
    /// hexadecimal no capitals.</summary>
    public static bool IsMixed(ReadOnlySpan<byte> text) =>
        text.IndexOfAnyInRange((byte)'0', (byte)'9') >= 0 && text.IndexOfAnyInRange((byte)'A', (byte)'Z') >= 0
        && text.IndexOfAnyInRange((byte)'a', (byte)'z') >= 0;

    private static SearchValues<byte> Of(string characters) =>
        SearchValues.Create([.. characters.Select(one => (byte)one)]);
}
