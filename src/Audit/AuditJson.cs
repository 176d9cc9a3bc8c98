using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Countersign.Audit;

/// <summary>
/// Hand-written JSON into a record: one object, fields in the order given, empty fields left out, nothing allocated.
/// Text
/// is shortened to its limit at a character boundary, invalid sequences become U+FFFD, and any shortening is told by a
/// last
/// field <c>"cut":true</c>.
/// </summary>
internal ref struct AuditJson
{
    private const int RuneBytesMax = 6;
    private const int NumberBytesMax = 20;

    // What an escape makes of one byte, or of one UTF-16 unit, at the most.
    private const int EscapedBytesMax = 6;

    // Names and quotes of two copies, the mark of a cut, the last field.
    private const int EndBytesKept = 256;

    // What any record has room for. Only what is longer asks how much there is, since to ask is to be promised more.
    private const int FieldBytesLeast = 128;
    private const int ListBytesLeast = 512;
    private const int TargetBytesLeast = 1_024;

    /// <summary>A time with its quotes.</summary>
    internal const int TimeBytes = 26;
    private static readonly SearchValues<byte> Plain = SearchValues.Create(PlainBytes());
    private static readonly SearchValues<char> PlainChars = SearchValues.Create(
        [.. PlainBytes().Select(one => (char)one)]);
    private readonly AuditRecord _record;
    private bool _begun;
    private bool _cut;

    internal AuditJson(AuditRecord record)
    {
        _record = record;
        Raw("{"u8);
    }

    private AuditJson(AuditRecord record, bool isCut)
    {
        _record = record;
        _begun = true;
        _cut = isCut;
    }

    /// <summary>True if any text was shortened.</summary>
    internal readonly bool IsCut => _cut;

    /// <summary>Goes on in a record that was readied, with another time.</summary>
    internal static AuditJson Resume(AuditRecord record, DateTimeOffset at)
    {
        Format(at, record.TimeOf());
        return new AuditJson(record, record.IsReadiedCut);
    }

    private readonly int FieldBytesMax => Math.Clamp(_record.BytesMax / 64, FieldBytesLeast, 1_024);

    private readonly int ListBytesMax => Math.Clamp(_record.BytesMax / 16, ListBytesLeast, 4_096);

    private readonly int TargetBytesMax => Math.Clamp(_record.BytesMax / 8, TargetBytesLeast, 8_192);

    /// <summary>Ends the record; <paramref name="isCut"/> if it repeats one that was shortened.</summary>
    internal void End(bool isCut = false)
    {
        if (_cut || isCut)
        {
            Name("cut"u8);
            Raw("true"u8);
        }

        Raw("}"u8);
    }

    internal void BeginObject(ReadOnlySpan<byte> name)
    {
        Name(name);
        Raw("{"u8);
        _begun = false;
    }

    internal void EndObject()
    {
        Raw("}"u8);
        _begun = true;
    }

    /// <summary>A member of another record, as it stands there.</summary>
    internal void Member(JsonProperty member)
    {
        Name(Encoding.UTF8.GetBytes(member.Name));
        Raw(JsonMarshal.GetRawUtf8Value(member.Value));
    }

    internal void Number(ReadOnlySpan<byte> name, long value)
    {
        Name(name);
        Utf8Formatter.TryFormat(value, _record.GetSpan(NumberBytesMax), out int bytes);
        _record.Advance(bytes);
    }

    internal void Text(ReadOnlySpan<byte> name, ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return;
        Name(name);
        if (!TryPlain(text, FieldBytesLeast)) Quoted(text, FieldBytesMax);
    }

    /// <summary>Text for people, which may be as long as a list.</summary>
    internal void Detail(ReadOnlySpan<byte> name, ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return;
        Name(name);
        if (!TryPlain(text, ListBytesLeast)) Quoted(text, ListBytesMax);
    }

    internal void Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text) =>
        Text(name, text, text.Length <= FieldBytesLeast / EscapedBytesMax ? FieldBytesLeast : FieldBytesMax);

    /// <summary>A path and query.</summary>
    internal void Target(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text) =>
        Text(name, text, text.Length <= TargetBytesLeast / EscapedBytesMax ? TargetBytesLeast : TargetBytesMax);

    private void Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, int bytesMax)
    {
        if (text.IsEmpty) return;
        Name(name);
        Raw("\""u8);
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAnyExcept(Plain);
            if (plain < 0) plain = text.Length;
            if (plain > 0)
            {
                int fits = Math.Min(plain, bytesMax);
                Raw(text[..fits]);
                bytesMax -= fits;
                text = text[fits..];
                if (fits == plain) continue;
            }
            else
            {
                Rune.DecodeFromUtf8(text, out Rune rune, out int taken);
                if (TryEscaped(rune, ref bytesMax))
                {
                    text = text[taken..];
                    continue;
                }
            }

            Cut();
            break;
        }

        Raw("\""u8);
    }

    /// <summary>What a record can still take beside the fields that follow and its end.</summary>
    internal readonly int BytesLeft => Math.Max(0, _record.BytesMax - _record.WrittenBytes - EndBytesKept);

    /// <summary>The beginning of a body; <paramref name="isCut"/> if the body went on.</summary>
    internal void Copy(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, bool isCut, int bytesMax)
    {
        _cut |= isCut && !text.IsEmpty;
        if (isCut) text = text[..WholeCharacters(text)];
        Text(name, text, bytesMax);
    }

    // Where a body was cut inside a character of UTF-8, before that character.
    private static int WholeCharacters(ReadOnlySpan<byte> text)
    {
        int last = text.Length - 1;
        while (last > 0 && text.Length - last < 4 && (text[last] & 0xC0) == 0x80) last--;
        if (last < 0 || text[last] < 0xC0) return text.Length;
        return Rune.DecodeFromUtf8(text[last..], out _, out _) == OperationStatus.NeedMoreData ? last : text.Length;
    }

    internal void List(ReadOnlySpan<byte> name, IReadOnlyList<string>? items)
    {
        if (items is null || items.Count == 0) return;
        Name(name);
        Raw("["u8);
        int begun = _record.WrittenBytes;
        for (int item = 0; item < items.Count; item++)
        {
            if (item > 0) Raw(","u8);
            int left = ListBytesLeast - (_record.WrittenBytes - begun);
            if (!TryPlain(items[item], Math.Min(left, FieldBytesLeast)))
            {
                left = ListBytesMax - (_record.WrittenBytes - begun);
                Quoted(items[item], Math.Min(left, FieldBytesMax));
            }

            int written = _record.WrittenBytes - begun + 1;
            if (written < ListBytesLeast || written < ListBytesMax) continue;
            if (item + 1 < items.Count) _cut = true;
            break;
        }

        Raw("]"u8);
    }

    /// <summary>RFC 3339, UTC, milliseconds.</summary>
    internal void Time(ReadOnlySpan<byte> name, DateTimeOffset at)
    {
        Name(name);
        Span<byte> text = stackalloc byte[TimeBytes];
        Format(at, text);
        Raw(text);
    }

    private static void Format(DateTimeOffset at, Span<byte> text)
    {
        DateTime utc = at.UtcDateTime;
        "\"0000-00-00T00:00:00.000Z\""u8.CopyTo(text);
        Digits(text[1..5], utc.Year);
        Digits(text[6..8], utc.Month);
        Digits(text[9..11], utc.Day);
        Digits(text[12..14], utc.Hour);
        Digits(text[15..17], utc.Minute);
        Digits(text[18..20], utc.Second);
        Digits(text[21..24], utc.Millisecond);
    }

    internal void Id(ReadOnlySpan<byte> name, Guid id)
    {
        Name(name);
        Span<byte> text = stackalloc byte[38];
        text[0] = text[37] = (byte)'"';
        id.TryFormat(text[1..], out _, "D");
        Raw(text);
    }

    /// <summary><c>sha256:</c> and 64 hexadecimal digits, of the 32 bytes given.</summary>
    internal void Digest(ReadOnlySpan<byte> name, ReadOnlySpan<byte> hash)
    {
        if (hash.IsEmpty) return;
        ArgumentOutOfRangeException.ThrowIfNotEqual(hash.Length, AuditLimits.HashBytes);
        Name(name);
        Span<byte> text = stackalloc byte[73];
        "\"sha256:"u8.CopyTo(text);
        Convert.TryToHexStringLower(hash, text[8..], out _);
        text[^1] = (byte)'"';
        Raw(text);
    }

    private void Name(ReadOnlySpan<byte> name)
    {
        // One span for the whole of it: names are many, and each step of its own would cost as much as the copy.
        Span<byte> room = _record.GetSpan(name.Length + 4);
        int at = 0;
        if (_begun) room[at++] = (byte)',';
        _begun = true;
        room[at++] = (byte)'"';
        name.CopyTo(room[at..]);
        at += name.Length;
        room[at++] = (byte)'"';
        room[at++] = (byte)':';
        _record.Advance(at);
    }

    private void Quoted(ReadOnlySpan<char> text, int bytesMax)
    {
        if (!TryPlain(text, bytesMax)) QuotedLong(text, bytesMax);
    }

    private readonly bool TryPlain(ReadOnlySpan<char> text, int bytesMax)
    {
        if (text.Length > bytesMax || text.ContainsAnyExcept(PlainChars)) return false;
        Span<byte> room = _record.GetSpan(text.Length + 2);
        room[0] = (byte)'"';
        Ascii.FromUtf16(text, room[1..], out int count);
        room[count + 1] = (byte)'"';
        _record.Advance(count + 2);
        return true;
    }

    private void QuotedLong(ReadOnlySpan<char> text, int bytesMax)
    {
        Raw("\""u8);
        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf16(text, out Rune rune, out int taken);
            if (!TryEscaped(rune, ref bytesMax))
            {
                Cut();
                break;
            }

            text = text[taken..];
        }

        Raw("\""u8);
    }

    private readonly bool TryEscaped(Rune rune, ref int bytesLeft)
    {
        Span<byte> bytes = _record.GetSpan(RuneBytesMax);
        int count = Escape(rune, bytes);
        if (count > bytesLeft) return false;
        bytesLeft -= count;
        _record.Advance(count);
        return true;
    }

    // RFC 8259 section 7: the quote, the reverse solidus and control characters; all else stands for itself.
    private static int Escape(Rune rune, Span<byte> bytes)
    {
        int value = rune.Value;
        if (value is >= 0x20 and not '"' and not '\\') return rune.EncodeToUtf8(bytes);
        int shorthand = "\"\\\b\f\n\r\t"u8.IndexOf((byte)value);
        if (shorthand >= 0)
        {
            bytes[0] = (byte)'\\';
            bytes[1] = "\"\\bfnrt"u8[shorthand];
            return 2;
        }

        "\\u00"u8.CopyTo(bytes);
        bytes[4] = "0123456789abcdef"u8[value >> 4];
        bytes[5] = "0123456789abcdef"u8[value & 15];
        return 6;
    }

    private void Cut()
    {
        Raw("\u2026"u8);
        _cut = true;
    }

    private readonly void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_record.GetSpan(bytes.Length));
        _record.Advance(bytes.Length);
    }

    private static void Digits(Span<byte> text, int value)
    {
        for (int at = text.Length - 1; at >= 0; at--)
        {
            text[at] = (byte)('0' + (value % 10));
            value /= 10;
        }
    }

    private static byte[] PlainBytes()
    {
        List<byte> plain = [];
        for (int value = 0x20; value < 0x80; value++)
        {
            if (value is not '"' and not '\\') plain.Add((byte)value);
        }

        return [.. plain];
    }
}
