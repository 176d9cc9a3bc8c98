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
    internal static bool RespondsAsync(RequestHead head) => Holds(head, "respond-async"u8);

    /// <summary>True if the caller asked for no more than it must be told (<c>return=minimal</c>).</summary>
    internal static bool IsMinimal(RequestHead head) => Holds(head, "return=minimal"u8);

    private static bool Holds(RequestHead head, ReadOnlySpan<byte> preference)
    {
        foreach (ref readonly FieldSlice field in head.Fields)
        {
            if (field.Id != FieldId.Prefer) continue;
            ReadOnlySpan<byte> list = head.Value(field);
            foreach (Range range in list.Split((byte)','))
            {
                if (Ascii.EqualsIgnoreCase(list[range].Trim(" \t"u8), preference)) return true;
            }
        }

        return false;
    }

    private static int WaitSeconds(ReadOnlySpan<byte> list)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            ReadOnlySpan<byte> preference = (comma < 0 ? list : list[..comma]).Trim(" \t"u8);
            list = comma < 0 ? default : list[(comma + 1)..];
            int semicolon = preference.IndexOf((byte)';');
            if (semicolon >= 0) preference = preference[..semicolon].TrimEnd(" \t"u8);
            int equals = preference.IndexOf((byte)'=');
            if (equals < 0 || !Ascii.EqualsIgnoreCase(preference[..equals].Trim(" \t"u8), "wait"u8)) continue;
            ReadOnlySpan<byte> value = preference[(equals + 1)..].Trim(" \t\""u8);
            if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return -1;
            bool fits = Utf8Parser.TryParse(value, out int seconds, out _);
            return fits ? Math.Min(seconds, WaitSecondsMax) : WaitSecondsMax;
        }

        return -1;
    }
}
