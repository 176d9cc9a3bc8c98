using System.Buffers.Text;
using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>The preferences of RFC 7240 that the gateway honours.</summary>
internal static class PreferField
{
    // A day; anything longer is capped by the hold limit anyway.
    private const int WaitSecondsMax = 86_400;

    /// <summary>The seconds of <c>wait=N</c>, or -1 if there is none that is sound.</summary>
    internal static int WaitSeconds(RequestHead head)
    {
        if (!TryFind(head, "wait"u8, out ReadOnlySpan<byte> value)) return -1;
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return -1;
        bool fits = Utf8Parser.TryParse(value, out int seconds, out _);
        return fits ? Math.Min(seconds, WaitSecondsMax) : WaitSecondsMax;
    }

    /// <summary>True if the caller asked not to be held (<c>respond-async</c>).</summary>
    internal static bool RespondsAsync(RequestHead head) =>
        TryFind(head, "respond-async"u8, out ReadOnlySpan<byte> value) && value.IsEmpty;

    /// <summary>True if the caller asked for no more than it must be told (<c>return=minimal</c>).</summary>
    internal static bool IsMinimal(RequestHead head) =>
        TryFind(head, "return"u8, out ReadOnlySpan<byte> value) && Ascii.EqualsIgnoreCase(value, "minimal"u8);

    // RFC 7240 section 2: of several of one name the first counts, parameters that nobody knows are ignored, an empty
    // value is none, and quotes say nothing.
    private static bool TryFind(RequestHead head, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.Id != FieldId.Prefer) continue;
            ReadOnlySpan<byte> list = head.Value(field);
            foreach (Range range in list.Split((byte)','))
            {
                ReadOnlySpan<byte> preference = Before((byte)';', list[range]);
                ReadOnlySpan<byte> said = Before((byte)'=', preference);
                if (!Ascii.EqualsIgnoreCase(said.Trim(" \t"u8), name)) continue;
                value = said.Length == preference.Length ? default : preference[(said.Length + 1)..].Trim(" \t\""u8);
                return true;
            }
        }

        value = default;
        return false;
    }

    private static ReadOnlySpan<byte> Before(byte sign, ReadOnlySpan<byte> text) =>
        text.IndexOf(sign) is var at and >= 0 ? text[..at] : text;
}
