using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>
/// Finds sensitive text in one value. What a detector says of a place depends on the value alone, not on where the
/// search began, so that a search can go on wherever the last one ended.
/// </summary>
internal static class ValueDetector
{
    // The bytes by which a detection may begin after what gives it away: `: '` or `://`.
    private const int BytesAfter = 6 + 7;

    // The bytes by which a detection other than an address may begin before what gives it away: dashes of a key.
    private const int BytesBefore = 4;

    /// <summary>
    /// Finds the leftmost detection that begins at or after <paramref name="from"/>, with all that overlap it and one
    /// another: none hides another that reaches further. <paramref name="value"/> is a whole decoded string in UTF-8,
    /// or the text of a number; <paramref name="besideTellingName"/> says that its name is one of
    /// <see cref="TellingNames"/>. Of a text that goes on, what begins <paramref name="most"/> bytes behind the
    /// leftmost or later is not looked for.
    /// </summary>
    [HotPath]
    public static bool TryFind(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, bool besideTellingName, out Detection found,
        int most = int.MaxValue)
    {
        if (!TryFindOne(value, wanted, from, value.Length, besideTellingName, out found)) return false;
        Extend(value, wanted, besideTellingName, default, most, ref found);
        return true;
    }

    /// <summary>As <see cref="TryFind"/>, where it is known at which <paramref name="places"/> what is wanted may be
    /// given away: a bit for each byte, 64 a word, too many and never too few; no words if there are none.</summary>
    [HotPath]
    public static bool TryFindAt(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, bool besideTellingName, ReadOnlySpan<ulong> places,
        out Detection found)
    {
        if (!TryFindOneAt(value, wanted, from, value.Length, besideTellingName, places, out found)) return false;
        Extend(value, wanted, besideTellingName, places, int.MaxValue, ref found);
        return true;
    }

    /// <summary>Finds the leftmost detection that begins at or after <paramref name="from"/>, of those that begin
    /// together the longest; what begins at <paramref name="until"/> or later may be missed.</summary>
    [HotPath]
    public static bool TryFindOne(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int until, bool besideTellingName, out Detection found)
    {
        found = Detection.None;
        if (besideTellingName) found = BesideName(value, wanted, from);
        var triggers = new Triggers(wanted);
        if (from > 0 && (wanted & DetectorSet.CloudKey) != 0) found = Detection.Better(found, Secret(value, from));
        int at = Math.Max(0, from - BytesAfter);
        ulong isAfterWord = at > 0 && AsciiClass.IsWord(value[at - 1]) ? 1UL : 0;
        ulong isAfterDigit = at > 0 && AsciiClass.IsDigit(value[at - 1]) ? 1UL : 0;
        int lastWhole = value.Length - TriggerMasks.BlockBytes - TriggerMasks.BytesAhead;
        for (; at <= lastWhole; at += TriggerMasks.BlockBytes)
        {
            ulong places = triggers.In(value[at..], ref isAfterWord, ref isAfterDigit);
            if (places != 0 && LookAt(value, wanted, from, until, at, places, ref found)) return found.Length > 0;
            if (at >= until || at > found.Start) return found.Length > 0;
        }

        return FindInTail(value, wanted, from, until, at, triggers, isAfterWord, isAfterDigit, ref found);
    }

    [HotPath]
    private static bool TryFindOneAt(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int until, bool besideTellingName,
        ReadOnlySpan<ulong> places, out Detection found)
    {
        found = Detection.None;
        if (besideTellingName) found = BesideName(value, wanted, from);
        if (from > 0 && (wanted & DetectorSet.CloudKey) != 0) found = Detection.Better(found, Secret(value, from));
        int first = Math.Max(0, from - BytesAfter);
        ulong here = ulong.MaxValue << first % TriggerMasks.BlockBytes;
        for (int word = first / TriggerMasks.BlockBytes; word < places.Length; word++)
        {
            int at = word * TriggerMasks.BlockBytes;
            ulong marked = places[word] & here;
            here = ulong.MaxValue;
            if (marked != 0 && LookAt(value, wanted, from, until, at, marked, ref found)) break;
            if (at >= until || at > found.Start) break;
        }

        return found.Length > 0;
    }

    // Adds to what was found all that begins in it, and in that. A key begins in no other key: what stands in one is
    // its text, and each key would be read to its end again for each that began in it.
    private static void Extend(
        ReadOnlySpan<byte> value, DetectorSet wanted, bool besideTellingName, ReadOnlySpan<ulong> places, int most,
        ref Detection found)
    {
        int from = found.Start + 1;
        while (from < found.End && from - found.Start < most)
        {
            bool isInKey = from < found.KeyEnd;
            int until = isInKey ? found.KeyEnd : found.End;
            DetectorSet left = isInKey ? wanted & ~DetectorSet.PrivateKey : wanted;
            bool isFound = places.IsEmpty
                ? TryFindOne(value, left, from, until, besideTellingName, out Detection next)
                : TryFindOneAt(value, left, from, until, besideTellingName, places, out next);
            isFound = isFound && next.Start < until && next.Start - found.Start < most;
            if (!isFound && !isInKey) return;
            if (isFound) found = IsHost(value, found, next) ? found.WithInside(next) : found.With(next);
            from = isFound ? next.Start + 1 : until;
        }
    }

    // What looks like an address whose sign is a URL's, behind user and password, is no more than its host. What else
    // was found there reaches over no sign.
    private static bool IsHost(ReadOnlySpan<byte> value, in Detection found, in Detection next)
    {
        const DetectorSet OverSigns = DetectorSet.HighEntropy | DetectorSet.PrivateKey;
        bool isUser = (found.All & (DetectorSet.BasicAuthUrl | DetectorSet.Email | OverSigns))
            == DetectorSet.BasicAuthUrl;
        bool isAddress = next.Detector == DetectorSet.Email
            && (next.All & (DetectorSet.BasicAuthUrl | OverSigns)) == DetectorSet.None;
        return isUser && isAddress && next.End > found.End && value[found.End] == '@'
            && value[next.Start..found.End].IndexOf((byte)'@') < 0;
    }

    // What is left of a value is less than a block and what is read with it, and is looked at among zeros.
    private static bool FindInTail(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int until, int at, Triggers triggers,
        ulong isAfterWord, ulong isAfterDigit, ref Detection found)
    {
        Span<byte> padded = stackalloc byte[TriggerMasks.BlockBytes + TriggerMasks.BytesAhead];
        for (bool isFirst = true; at < value.Length; at += TriggerMasks.BlockBytes, isFirst = false)
        {
            if (!isFirst) padded.Clear();
            value.Slice(at, Math.Min(value.Length - at, padded.Length)).CopyTo(padded);
            ulong places = triggers.In(padded, ref isAfterWord, ref isAfterDigit);
            if (places != 0 && LookAt(value, wanted, from, until, at, places, ref found)) return found.Length > 0;
        }

        return found.Length > 0;
    }

    // An id of an access key, before where the search begins, tells of a secret after that.
    private static Detection Secret(ReadOnlySpan<byte> value, int from)
    {
        Detection found = Detection.None;
        int place = Math.Max(0, from - DetectorLimits.BytesBehindMax);
        while (place < from)
        {
            int next = value[place..from].IndexOf("IA"u8);
            if (next < 0) break;
            int id = place + next - 2;
            place += next + 2;
            if (id < 0 || value[id] != 'A') continue;
            int length = VendorKey.Match(value, id);
            if (VendorKey.IsAccessKeyId(value, id, length))
                Offer(VendorKey.SecretAfter(value, id + length), from, ref found);
        }

        return found;
    }

    /// <summary>True once <paramref name="found"/> is the leftmost, or what comes begins too late.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool LookAt(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int until, int at, ulong places,
        ref Detection found)
    {
        int end = until + (EmailAddress.MayCross(value, until) ? DetectorLimits.LocalPartMax : BytesBefore);
        for (; places != 0; places &= places - 1)
        {
            int place = at + BitOperations.TrailingZeroCount(places);
            if (place >= end) return true;
            byte one = value[place];
            int last = Math.Min(found.Start, until - 1);
            if (place > last + DetectorLimits.LocalPartMax) return true;
            if (place > last + BytesBefore && one != '@') continue;

            Inspect(value, wanted, from, place, one, ref found);
        }

        return at >= Math.Min(found.Start + 1L, until) || at + TriggerMasks.BlockBytes >= end;
    }

    private static void Inspect(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int place, byte one, ref Detection found)
    {
        bool assigns = (wanted & DetectorSet.HighEntropy) != 0 && place + 1 < value.Length
            && value[place + 1] is (byte)'=' or (byte)':';
        if (assigns) Offer(HighEntropySecret.After(value, place + 1), from, ref found);
        bool isPast = place < from && one is not (byte)':' && (one == 'e' || !AsciiClass.IsLetter(one));
        if (isPast) return;   // these begin no later than here
        switch (one)
        {
            case (byte)'@':
                if (EmailAddress.BeginsBefore(value, place, from)) return;
                Offer(EmailAddress.Around(value, place), from, ref found);
                break;
            case (byte)'+' or (byte)'(':
                Offer(place, PhoneNumber.Match(value, place), DetectorSet.Phone, from, ref found);
                break;
            case (byte)'-':
                if ((wanted & DetectorSet.PrivateKey) != 0)
                    Offer(place - 4, PrivateKeyBlock.Match(value, place - 4), DetectorSet.PrivateKey, from, ref found);
                break;
            case (byte)':':
                Offer(BasicAuth.After(value, place), from, ref found);
                break;
            case (byte)'e':
                if ((wanted & DetectorSet.Jwt) != 0)
                    Offer(place, JsonWebToken.Match(value, place), DetectorSet.Jwt, from, ref found);
                break;
            default:
                if (AsciiClass.IsDigit(one)) InspectNumber(value, wanted, from, place, ref found);
                else if ((wanted & DetectorSet.CloudKey) != 0) InspectKey(value, from, place, ref found);
                break;
        }
    }

    private static void InspectNumber(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int place, ref Detection found)
    {
        if ((wanted & DetectorSet.Iban) != 0 && place >= 2 && AsciiClass.IsLetter(value[place - 1]))
        {
            Offer(place - 2, Iban.Match(value, place - 2), DetectorSet.Iban, from, ref found);
            return;
        }

        DigitGroups groups = DigitGroups.At(value, place);
        if (groups.MayBeCard && (wanted & DetectorSet.PaymentCard) != 0)
            Offer(place, CardNumber.Match(value, place), DetectorSet.PaymentCard, from, ref found);
        if (groups.MayBeSocialSecurityNumber && (wanted & DetectorSet.UsSsn) != 0)
            Offer(place, SocialSecurityNumber.Match(value, place), DetectorSet.UsSsn, from, ref found);
        if (groups.MayBePhone && (wanted & DetectorSet.Phone) != 0)
            Offer(place, PhoneNumber.Match(value, place), DetectorSet.Phone, from, ref found);
    }

    private static void InspectKey(ReadOnlySpan<byte> value, int from, int place, ref Detection found)
    {
        int length = VendorKey.Match(value, place);
        Offer(place, length, DetectorSet.CloudKey, from, ref found);
        if (VendorKey.IsAccessKeyId(value, place, length))
            Offer(VendorKey.SecretAfter(value, place + length), from, ref found);
    }

    private static Detection BesideName(ReadOnlySpan<byte> value, DetectorSet wanted, int from)
    {
        Detection found = Detection.None;
        if ((wanted & DetectorSet.HighEntropy) != 0) found = HighEntropySecret.InValue(value, from);
        if ((wanted & DetectorSet.CloudKey) != 0 && from == 0 && VendorKey.IsAccessSecret(value))
            Offer(new(0, value.Length, DetectorSet.CloudKey), from, ref found);
        return found;
    }

    private static void Offer(int start, int length, DetectorSet detector, int from, ref Detection found)
    {
        if (length > 0) Offer(new(start, length, detector), from, ref found);
    }

    private static void Offer(Detection offered, int from, ref Detection found)
    {
        if (offered.Start >= from && offered.Length > 0) found = Detection.Better(found, offered);
    }
}
