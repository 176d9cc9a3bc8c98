using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking.Content;

/// <summary>The first secret in a text, or where one may begin that the text is too short to tell.</summary>
/// <param name="Match">What it is.</param>
/// <param name="At">Where it begins.</param>
/// <param name="Length">How many bytes write it.</param>
internal readonly record struct SecretFinding(SecretMatch Match, int At, int Length)
{
    /// <summary>The one of the two that begins first; of two that begin together, what is open, then the
    /// longer.</summary>
    public SecretFinding Or(SecretFinding other)
    {
        if (other.Match == SecretMatch.No) return this;
        if (Match == SecretMatch.No || other.At < At) return other;
        if (other.At > At || Match == SecretMatch.Unknown) return this;
        return other.Match == SecretMatch.Unknown || other.Length > Length ? other : this;
    }
}

/// <summary>
/// Finds secrets in a text, as they are or escaped: whatever is escaped has a byte that an escape begins with, so that
/// only what stands around such bytes is read character by character.
/// </summary>
internal static class SecretSearch
{
    /// <summary>The first finding at or after <paramref name="from"/>.</summary>
    /// <param name="text">The text; searched from its beginning to its end by calls with growing places.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="isWhole">False if more may follow.</param>
    /// <param name="secrets">What to look for; <see cref="KnownSecret.Next"/> is -1 for the first call.</param>
    public static SecretFinding Find(
        ReadOnlySpan<byte> text, int from, bool isWhole, ReadOnlySpan<KnownSecret> secrets)
    {
        SecretFinding first = default;
        foreach (KnownSecret secret in secrets)
        {
            if (secret.Next < from) secret.Next = NextOf(text, from, secret.Value.Span);
            if (secret.Next < text.Length) first = first.Or(new(SecretMatch.Yes, secret.Next, secret.Value.Length));
        }

        if (!isWhole)
        {
            int begun = BeginningIn(text[from..], secrets);
            if (begun > 0) first = first.Or(new(SecretMatch.Unknown, text.Length - begun, begun));
        }

        return first.Or(FindEscaped(text, from, first, isWhole, secrets));
    }

    private static int NextOf(ReadOnlySpan<byte> text, int from, ReadOnlySpan<byte> value)
    {
        int found = text[from..].IndexOf(value);
        return found < 0 ? int.MaxValue : from + found;
    }

    // From one byte that begins an escape to the next: what stands between them is as it is.
    private static SecretFinding FindEscaped(
        ReadOnlySpan<byte> text, int from, SecretFinding before, bool isWhole, ReadOnlySpan<KnownSecret> secrets)
    {
        int done = from;
        int block = NextMarked(text, from, out ulong marks);
        while (marks != 0)
        {
            for (; marks != 0; marks &= marks - 1)
            {
                int at = block + BitOperations.TrailingZeroCount(marks);
                if (at < done) continue;
                int after = EndOf(text, at);
                SecretFinding found = default;
                foreach (KnownSecret secret in secrets)
                {
                    if (EscapeMeaning.MayBeIn(secret, text, at, after))
                        found = found.Or(FindAround(text, done, at, after, isWhole, secret));
                }

                if (found.Match != SecretMatch.No) return found;
                if (before.Match != SecretMatch.No && after > before.At) return default;
                done = after;
            }

            block = NextMarked(text, block + Vector512<byte>.Count, out marks);
        }

        return default;
    }

    // The next block that holds a byte which an escape may begin with, and a bit for each of them; no bits for none.
    private static int NextMarked(ReadOnlySpan<byte> text, int from, out ulong marks)
    {
        int block = from;
        while (text.Length - block >= 2 * Vector512<byte>.Count)
        {
            Vector512<byte> first = MarkedIn(Vector512.Create(text[block..]));
            Vector512<byte> second = MarkedIn(Vector512.Create(text[(block + Vector512<byte>.Count)..]));
            if ((first | second) != Vector512<byte>.Zero) break;
            block += 2 * Vector512<byte>.Count;
        }

        marks = 0;
        while (text.Length - block >= Vector512<byte>.Count)
        {
            marks = MarkedIn(Vector512.Create(text[block..])).ExtractMostSignificantBits();
            if (marks != 0) return block;
            block += Vector512<byte>.Count;
        }

        if (block >= text.Length) return block;
        Span<byte> padded = stackalloc byte[Vector512<byte>.Count];
        padded.Clear();
        text[block..].CopyTo(padded);
        marks = MarkedIn(Vector512.Create<byte>(padded)).ExtractMostSignificantBits();
        return block;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> MarkedIn(Vector512<byte> bytes) =>
        Vector512.Equals(bytes, Vector512.Create((byte)'\\')) | Vector512.Equals(bytes, Vector512.Create((byte)'&'))
            | Vector512.Equals(bytes, Vector512.Create((byte)'%'));

    // Behind it; of several backslashes behind the last.
    private static int EndOf(ReadOnlySpan<byte> text, int at)
    {
        int after = at + 1;
        if (text[at] != (byte)'\\') return after;
        while (after < text.Length && text[after] == (byte)'\\') after++;
        return after;
    }

    private static SecretFinding FindAround(
        ReadOnlySpan<byte> text, int done, int at, int after, bool isWhole, KnownSecret secret)
    {
        ReadOnlySpan<byte> value = secret.Value.Span;
        for (int start = Math.Max(done, at - Math.Min(secret.PlainBytes, value.Length - 1)); start < at; start++)
        {
            int skip = text[start..at].IndexOf(value[0]);
            if (skip < 0) break;
            start += skip;
            if (!value.StartsWith(text[start..at])) continue;
            SecretMatch begun = SecretMatcher.Match(text, value, at - start, at, isWhole, out int end);
            if (begun != SecretMatch.No) return new(begun, start, end - start);
        }

        // Of more backslashes than are read as one the last ones, by twos: what is left of them is whole.
        int backslashes = after - at;
        if (backslashes > EscapedText.BackslashesMax) at += (backslashes - EscapedText.BackslashesMax + 1) / 2 * 2;
        SecretMatch match = SecretMatcher.Match(text, value, 0, at, isWhole, out int ends);
        return match == SecretMatch.No ? default : new(match, at, ends - at);
    }

    // How many of the last bytes may be the beginning of a secret as it is.
    private static int BeginningIn(ReadOnlySpan<byte> text, ReadOnlySpan<KnownSecret> secrets)
    {
        int longest = 0;
        foreach (KnownSecret secret in secrets)
        {
            ReadOnlySpan<byte> value = secret.Value.Span;
            longest = Math.Max(longest, BeginningOf(value, text[^Math.Min(text.Length, value.Length - 1)..]));
        }

        return longest;
    }

    // By eight bytes at a time as long as there are so many: single letters are found too often.
    private static int BeginningOf(ReadOnlySpan<byte> value, ReadOnlySpan<byte> tail)
    {
        ReadOnlySpan<byte> first = value[..SecretFilter.ValueBytesMin];
        while (tail.IndexOf(first) is var found and >= 0)
        {
            tail = tail[found..];
            if (value.StartsWith(tail)) return tail.Length;
            tail = tail[1..];
        }

        for (int length = Math.Min(SecretFilter.ValueBytesMin - 1, tail.Length); length > 0; length--)
        {
            if (value.StartsWith(tail[^length..])) return length;
        }

        return 0;
    }
}
