using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using NSec.Cryptography;

namespace Countersign.Audit;

/// <summary>
/// What a caller is given so that it can later prove that its call was logged: the hash of the call's intent, signed by
/// the log's key at the time. One field value, a dictionary of RFC 9651:
/// <c>log="…", call="…", at=…, leaf=:…:, sig=:…:</c>. Immutable.
/// </summary>
public sealed class CallReceipt
{
    private const int SignatureBytes = 64;

    // The longest origin whose receipts stay a field of a usual size.
    private const int OriginBytesMax = 256;

    // The signed text: first line, origin, call, time and leaf, each with its line end.
    private const int TextBytesMax = 24 + OriginBytesMax + 1 + 37 + 21 + 45;

    private readonly byte[] _signature;

    private CallReceipt(string log, Guid call, long at, byte[] leaf, byte[] signature)
    {
        (Log, Call, At, Leaf, _signature) = (log, call, DateTimeOffset.FromUnixTimeMilliseconds(at), leaf, signature);
    }

    /// <summary>The log's name.</summary>
    public string Log { get; }

    /// <summary>The call.</summary>
    public Guid Call { get; }

    /// <summary>When the intent was made.</summary>
    public DateTimeOffset At { get; }

    /// <summary>The intent's leaf hash (RFC 6962 section 2.1), 32 bytes.</summary>
    public ReadOnlyMemory<byte> Leaf { get; }

    /// <summary>Reads the field's value; false if it is not exactly of the form that logs write.</summary>
    public static bool TryParse(string text, out CallReceipt? receipt)
    {
        ArgumentNullException.ThrowIfNull(text);
        receipt = null;
        string[] parts = text.Trim().Split(", ");
        byte[] leaf = new byte[AuditLimits.HashBytes], signature = new byte[SignatureBytes];
        if (parts.Length != 5 || !TryPart(parts[0], "log=\"", "\"", out string log) || !CanName(log)) return false;
        if (!TryPart(parts[1], "call=\"", "\"", out string call)) return false;
        if (!Guid.TryParseExact(call, "D", out Guid id) || id.ToString("D") != call) return false;
        if (!TryPart(parts[2], "at=", "", out string at)
            || !long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out long time)
            || time.ToString(CultureInfo.InvariantCulture) != at
            || time > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()) return false;
        if (!TryPart(parts[3], "leaf=:", ":", out string hash) || !StrictBase64.TryDecode(hash, leaf)) return false;
        if (!TryPart(parts[4], "sig=:", ":", out string sig) || !StrictBase64.TryDecode(sig, signature)) return false;
        receipt = new CallReceipt(log, id, time, leaf, signature);
        return true;
    }

    /// <summary>True if the log of <paramref name="key"/> gave this receipt.</summary>
    public bool IsGivenBy(AuditKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Name != Log || !CanName(Log)) return false;
        Span<byte> text = stackalloc byte[TextBytesMax];
        int bytes = WriteText(text, key, Call, At.ToUnixTimeMilliseconds(), Leaf.Span);
        return key.Verifies(text[..bytes], _signature);
    }

    /// <summary>True if <paramref name="intent"/> is the record that the receipt is for.</summary>
    public bool IsOf(ReadOnlySpan<byte> intent)
    {
        Span<byte> hash = stackalloc byte[AuditLimits.HashBytes];
        MerkleHash.Leaf(intent, hash);
        return hash.SequenceEqual(Leaf.Span);
    }

    /// <summary>Writes a receipt for an intent of a log that <see cref="CanName"/>.</summary>
    internal static void Write(
        LogKey key, ReadOnlySpan<byte> intent, Guid call, DateTimeOffset at, IBufferWriter<byte> output)
    {
        Span<byte> text = stackalloc byte[TextBytesMax];
        Span<byte> leaf = stackalloc byte[AuditLimits.HashBytes];
        MerkleHash.Leaf(intent, leaf);
        long time = at.ToUnixTimeMilliseconds();
        Span<byte> signature = stackalloc byte[SignatureBytes];
        int bytes = WriteText(text, key.Public, call, time, leaf);
        key.Sign(text[..bytes], signature);
        Put(output, "log=\""u8);
        Put(output, key.Public.NameBytes.Span);
        Put(output, "\", call=\""u8);
        call.TryFormat(output.GetSpan(36), out int count, "D");
        output.Advance(count);
        Put(output, "\", at="u8);
        Utf8Formatter.TryFormat(time, output.GetSpan(20), out count);
        output.Advance(count);
        Put(output, ", leaf=:"u8);
        PutBase64(output, leaf);
        Put(output, ":, sig=:"u8);
        PutBase64(output, signature);
        Put(output, ":"u8);
    }

    /// <summary>True for an origin that may stand in a quoted string of a field.</summary>
    internal static bool CanName(string origin) => origin.Length <= OriginBytesMax && Ascii.IsValid(origin)
        && origin.AsSpan().IndexOfAny('"', '\\', ',') < 0;

    // The first line keeps this text apart from every other that the key signs: no origin reads so.
    private static int WriteText(Span<byte> to, AuditKey key, Guid call, long at, ReadOnlySpan<byte> leaf)
    {
        int count = 0;
        Line(to, ref count, "countersign.receipt/v1"u8);
        Line(to, ref count, key.NameBytes.Span);
        call.TryFormat(to[count..], out int written, "D");
        to[count + written] = (byte)'\n';
        count += written + 1;
        Utf8Formatter.TryFormat(at, to[count..], out written);
        to[count + written] = (byte)'\n';
        count += written + 1;
        Base64.EncodeToUtf8(leaf, to[count..], out _, out written);
        to[count + written] = (byte)'\n';
        return count + written + 1;
    }

    private static void Line(Span<byte> to, ref int count, ReadOnlySpan<byte> line)
    {
        line.CopyTo(to[count..]);
        to[count + line.Length] = (byte)'\n';
        count += line.Length + 1;
    }

    private static bool TryPart(string text, string lead, string end, out string value)
    {
        bool isPart = text.Length > lead.Length + end.Length
            && text.StartsWith(lead, StringComparison.Ordinal) && text.EndsWith(end, StringComparison.Ordinal);
        value = isPart ? text[lead.Length..^end.Length] : "";
        return isPart;
    }

    private static void Put(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes) => output.Write(bytes);

    private static void PutBase64(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        Base64.EncodeToUtf8(bytes, output.GetSpan((bytes.Length + 2) / 3 * 4), out _, out int written);
        output.Advance(written);
    }
}
