using System.Buffers.Text;
using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>The preferences of RFC 7240 that the gateway honours.</summary>
internal static class PreferField
{
    // A day; anything longer is capped by the hold limit anyway.
    private const int WaitSecondsMax = 86_400;

    /// <summary>The seconds of <c>wait=N</c> in any Prefer field, or -1 if there is none that is sound.</summary>
    internal static int WaitSeconds(RequestHead head)
    {
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.Id != FieldId.Prefer) continue;
            int seconds = WaitSeconds(head.Value(field));
            if (seconds >= 0) return seconds;
        }

        return -1;
    }

    /// <summary>True if the caller asked not to be held (<c>respond-async</c>).</summary>
    internal static bool RespondsAsync(RequestHead head) => Holds(head, "respond-async"u8, default);

    /// <summary>True if the caller asked for no more than it must be told (<c>return=minimal</c>).</summary>
    internal static bool IsMinimal(RequestHead head) => Holds(head, "return"u8, "minimal"u8);

    // RFC 7240 section 2: parameters that nobody knows are ignored, an empty value is none, and quotes say nothing.
    private static bool Holds(RequestHead head, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.Id != FieldId.Prefer) continue;
            ReadOnlySpan<byte> list = head.Value(field);
            foreach (Range range in list.Split((byte)','))
            {
                ReadOnlySpan<byte> preference = WithoutParameters(list[range]);
                int equals = preference.IndexOf((byte)'=');
                ReadOnlySpan<byte> said = equals < 0 ? default : preference[(equals + 1)..].Trim(" \t\""u8);
                if (equals >= 0) preference = preference[..equals].TrimEnd(" \t"u8);
                if (Ascii.EqualsIgnoreCase(preference, name) && Ascii.EqualsIgnoreCase(said, value)) return true;
            }
        }

        return false;
    }

    private static int WaitSeconds(ReadOnlySpan<byte> list)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            ReadOnlySpan<byte> preference = WithoutParameters(comma < 0 ? list : list[..comma]);
            list = comma < 0 ? default : list[(comma + 1)..];
            int equals = preference.IndexOf((byte)'=');
            if (equals < 0 || !Ascii.EqualsIgnoreCase(preference[..equals].Trim(" \t"u8), "wait"u8)) continue;
            ReadOnlySpan<byte> value = preference[(equals + 1)..].Trim(" \t\""u8);
            if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return -1;
            bool fits = Utf8Parser.TryParse(value, out int seconds, out _);
            return fits ? Math.Min(seconds, WaitSecondsMax) : WaitSecondsMax;
        }

        return -1;
    }

    private static ReadOnlySpan<byte> WithoutParameters(ReadOnlySpan<byte> preference)
    {
        int semicolon = preference.IndexOf((byte)';');
        return (semicolon < 0 ? preference : preference[..semicolon]).Trim(" \t"u8);
    }
}
