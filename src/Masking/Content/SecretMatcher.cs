using System.Text;

namespace Countersign.Masking.Content;

/// <summary>How the search for a secret at one place ended.</summary>
internal enum SecretMatch : byte
{
    /// <summary>It is not there.</summary>
    No = 0,

    /// <summary>It is.</summary>
    Yes,

    /// <summary>What follows would say.</summary>
    Unknown,
}

/// <summary>Compares a secret with a text in which each of its characters may be written in a way of its own.</summary>
internal static class SecretMatcher
{
    // A secret of percent signs and ampersands may be read in several ways at once; no more than this.
    private const int ReadingsMax = 16;

    /// <summary>Looks whether the rest of a secret stands at a place.</summary>
    /// <param name="text">The text.</param>
    /// <param name="secret">The secret.</param>
    /// <param name="matched">How much of it stands before the place.</param>
    /// <param name="at">The place.</param>
    /// <param name="isWhole">False if more text may follow.</param>
    /// <param name="end">Where it ends.</param>
    public static SecretMatch Match(
        ReadOnlySpan<byte> text, ReadOnlySpan<byte> secret, int matched, int at, bool isWhole, out int end)
    {
        end = -1;
        EscapedText escaped = new(text, isWhole);
        Readings readings = new(stackalloc (int, int)[ReadingsMax]);
        readings.Add(matched, at);
        while (readings.TryTake(out matched, out at))
        {
            while (matched < secret.Length && at < text.Length && text[at] == secret[matched]
                && !EscapedText.Beginnings.Contains(text[at]))
            {
                matched++;
                at++;
            }

            if (matched == secret.Length) end = Math.Max(end, at);
            else ReadOn(escaped, secret, matched, at, ref readings);
        }

        return readings.IsCut ? SecretMatch.Unknown : end >= 0 ? SecretMatch.Yes : SecretMatch.No;
    }

    // Each depth at which the next character reads as something else than at the one above.
    private static void ReadOn(
        EscapedText text, ReadOnlySpan<byte> secret, int matched, int at, ref Readings readings)
    {
        WrittenLetter above = default;
        for (int depth = 0; depth <= EscapedText.NestingMax; depth++)
        {
            WrittenLetter letter = text.Read(at, depth);
            readings.IsCut |= letter.IsUnknown;
            if (letter.Length <= 0) return;
            if (letter != above) Take(text, secret, matched, at, letter, depth, ref readings);
            above = letter; // and a deeper look may read what follows it
        }
    }

    private static void Take(
        EscapedText text, ReadOnlySpan<byte> secret, int matched, int at, WrittenLetter letter, int depth,
        ref Readings readings)
    {
        int end = at + letter.Length;
        if (!letter.IsByte && char.IsHighSurrogate((char)Math.Min(letter.Value, char.MaxValue)))
        {
            WrittenLetter low = text.Read(end, depth);
            readings.IsCut |= low.IsUnknown;
            if (low.Length <= 0 || low.Value is < 0xDC00 or > 0xDFFF) return;
            letter = new(char.ConvertToUtf32((char)letter.Value, (char)low.Value), 1, false);
            end += low.Length;
        }

        int count = Fits(letter, secret[matched..]);
        if (count > 0) readings.Add(matched + count, end);

        // The second of two that stand for one, where the first was read less deep than it was written.
        bool isSecond = letter.Value == '\\' && matched > 0 && secret[matched - 1] == (byte)'\\';
        if (isSecond) readings.Add(matched, end);
    }

    private static int Fits(WrittenLetter letter, ReadOnlySpan<byte> rest)
    {
        // In a form a space is a plus sign (URL Standard, 5.2).
        if (letter.Value is ' ' or '+') return rest[0] is (byte)' ' or (byte)'+' ? 1 : 0;
        if (letter.Value is >= 0 and < 0x80 || letter.IsByte)
        {
            if (letter.Value == rest[0]) return 1;
            if (letter.Value < 0x80) return 0;
        }

        if (!Rune.TryCreate(letter.Value, out Rune rune)) return 0;
        Span<byte> utf8 = stackalloc byte[4];
        int count = rune.EncodeToUtf8(utf8);
        return rest.StartsWith(utf8[..count]) ? count : 0;
    }

    /// <summary>Ways to read the text so far; each how much of the secret it has, and where it stands.</summary>
    private ref struct Readings(Span<(int Matched, int At)> held)
    {
        private readonly Span<(int Matched, int At)> _held = held;
        private int _count;

        /// <summary>True if the text ended before one of them could be told.</summary>
        public bool IsCut { get; set; }

        public void Add(int matched, int at)
        {
            if (_count == _held.Length || _held[.._count].Contains((matched, at))) return;
            _held[_count++] = (matched, at);
        }

        // The one that has the least: others may meet it.
        public bool TryTake(out int matched, out int at)
        {
            (matched, at) = (0, 0);
            if (_count == 0) return false;
            int least = 0;
            for (int index = 1; index < _count; index++)
            {
                if (_held[index].Matched < _held[least].Matched) least = index;
            }

            (matched, at) = _held[least];
            _held[least] = _held[--_count];
            return true;
        }
    }
}
