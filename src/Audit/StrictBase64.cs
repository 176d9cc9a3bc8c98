namespace Countersign.Audit;

/// <summary>
/// RFC 4648 section 4 with one spelling for each value: the framework's decoder also takes white space and stray
/// trailing bits, by which a note could be changed and still verify.
/// </summary>
internal static class StrictBase64
{
    /// <summary>
    /// True if <paramref name="text"/> is the one spelling of exactly as many bytes as are asked for.
    /// </summary>
    internal static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != (bytes.Length + 2) / 3 * 4) return false;
        if (!Convert.TryFromBase64Chars(text, bytes, out int written) || written != bytes.Length) return false;
        return text.SequenceEqual(Convert.ToBase64String(bytes));
    }
}
