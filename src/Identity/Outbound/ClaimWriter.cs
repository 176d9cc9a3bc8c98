using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Countersign.Identity.Outbound;

/// <summary>
/// Writes JSON into a span that may be too small: it then notes so and writes no more, and the caller asks once, at the
/// end. Utf8JsonWriter needs a growing buffer and an object; this needs neither.
/// </summary>
internal ref struct ClaimWriter(Span<byte> destination)
{
    // RFC 8259 section 7: what must be escaped in a string.
    private static readonly SearchValues<char> Escaped = SearchValues.Create(
        "\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f"
        + "\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f");

    private readonly Span<byte> _destination = destination;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>True when something did not fit; what was written is then worthless.</summary>
    public bool IsFull { get; private set; }

    [HotPath]
    public void Raw(scoped ReadOnlySpan<byte> json)
    {
        if (IsFull || !json.TryCopyTo(_destination[Length..]))
        {
            IsFull = true;
            return;
        }

        Length += json.Length;
    }

    /// <summary>A string with its quotes. Half a surrogate pair becomes U+FFFD.</summary>
    [HotPath]
    public void Text(scoped ReadOnlySpan<char> text)
    {
        Raw("\""u8);
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAny(Escaped);
            if (plain < 0) plain = text.Length;
            Plain(text[..plain]);
            text = text[plain..];
            if (text.IsEmpty) break;
            Escape(text[0]);
            text = text[1..];
        }

        Raw("\""u8);
    }

    [HotPath]
    public void Number(long value)
    {
        if (IsFull || !Utf8Formatter.TryFormat(value, _destination[Length..], out int written))
        {
            IsFull = true;
            return;
        }

        Length += written;
    }

    /// <summary>A UUID as a string, lower case with dashes.</summary>
    [HotPath]
    public void Id(Guid value)
    {
        Raw("\""u8);
        if (IsFull || !Utf8Formatter.TryFormat(value, _destination[Length..], out int written))
        {
            IsFull = true;
            return;
        }

        Length += written;
        Raw("\""u8);
    }

    /// <summary>An array of strings.</summary>
    [HotPath]
    public void Texts(IReadOnlyList<string> texts)
    {
        Raw("["u8);
        for (int index = 0; index < texts.Count; index++)
        {
            if (index > 0) Raw(","u8);
            Text(texts[index]);
        }

        Raw("]"u8);
    }

    [HotPath]
    private void Plain(scoped ReadOnlySpan<char> text)
    {
        if (IsFull || !Encoding.UTF8.TryGetBytes(text, _destination[Length..], out int written))
        {
            IsFull = true;
            return;
        }

        Length += written;
    }

    [HotPath]
    private void Escape(char letter)
    {
        ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
        Raw("\\"u8);
        if (letter is '"' or '\\')
        {
            Raw([(byte)letter]);
            return;
        }

        Raw("u00"u8);
        Raw([digits[letter >> 4], digits[letter & 0xF]]);
    }
}
