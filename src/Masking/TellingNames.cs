using System.Buffers;

namespace Countersign.Masking;

/// <summary>Names under which secrets stand.</summary>
internal static class TellingNames
{
    private static readonly SearchValues<string> Words = SearchValues.Create(
        [
            "password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "api_key", "api-key", "accesskey",
            "access_key", "access-key", "privatekey", "private_key", "private-key", "credential", "auth", "signature",
        ],
        StringComparison.OrdinalIgnoreCase);

    /// <summary>True if the decoded key <paramref name="name"/> tells of a secret.</summary>
    public static bool Holds(ReadOnlySpan<byte> name)
    {
        Span<char> letters = stackalloc char[MaskLimits.KeyBytesMax];
        int length = Math.Min(name.Length, letters.Length);
        for (int place = 0; place < length; place++) letters[place] = (char)name[place];
        return letters[..length].ContainsAny(Words);
    }
}
