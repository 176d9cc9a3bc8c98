using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>
/// Finds sensitive text in one value. What a detector says of a place depends on the value alone, not on where the
/// search began, so that a search can go on wherever the last one ended.
/// </summary>
internal static class ValueDetector
{
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
        bool isShort = from == 0 && value.Length <= Math.Min(most, TriggerMasks.BlockBytes);
        if (isShort)
        {
            ulong places = ValueSearch.PlacesIn(value, wanted);
            bool isTold = ValueSearch.TryFindFirst(new(value), wanted, besideTellingName, places, out found, out _);
            if (isTold) return found.Length > 0;
        }

        return new ValueSearch(new(value), wanted, besideTellingName, from, most).TryNext(out found);
    }

    /// <summary>The same, detection by detection in their order: <see cref="ValueSearch"/> asks where several may be
    /// joined in more than one way. <paramref name="places"/> are where what is wanted may be given away, if that is
    /// known: a bit for each byte, 64 a word, too many and never too few.</summary>
    [HotPath]
    public static bool TryFindInOrder(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, bool besideTellingName, ReadOnlySpan<ulong> places,
        int most, out Detection found)
    {
        bool isFound = places.IsEmpty
            ? TryFindOne(value, wanted, from, value.Length, besideTellingName, out found)
            : TryFindOneAt(value, wanted, from, value.Length, besideTellingName, places, out found);
        if (isFound) Extend(value, wanted, besideTellingName, places, most, ref found);
        return isFound;
    }

    /// <summary>Finds the leftmost detection that begins at or after <paramref name="from"/>, of those that begin
    /// together the longest; what begins at <paramref name="until"/> or later may be missed.</summary>
    [HotPath]
    public static bool TryFindOne(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int until, bool besideTellingName, out Detection found)
    {
        LeftmostOffer offer = First(value, wanted, from, besideTellingName);
        var triggers = new Triggers(wanted);
        int at = Math.Max(0, from - Inspection.BytesAfter);
        ulong isAfterWord = at > 0 && AsciiClass.IsWord(value[at - 1]) ? 1UL : 0;
        ulong isAfterDigit = at > 0 && AsciiClass.IsDigit(value[at - 1]) ? 1UL : 0;
        int lastWhole = value.Length - TriggerMasks.BlockBytes - TriggerMasks.BytesAhead;
        for (; at <= lastWhole; at += TriggerMasks.BlockBytes)
        {
            ulong places = triggers.In(value[at..], ref isAfterWord, ref isAfterDigit);
            bool isEnd = (places != 0 && LookAt(value, wanted, until, at, places, ref offer)) || at >= until
                || at > offer.Found.Start;
            if (isEnd) return offer.IsFound(out found);
        }

        FindInTail(value, wanted, until, at, triggers, isAfterWord, isAfterDigit, ref offer);
        return offer.IsFound(out found);
    }

    [HotPath]
    private static bool TryFindOneAt(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, int until, bool besideTellingName,
        ReadOnlySpan<ulong> places, out Detection found)
    {
        LeftmostOffer offer = First(value, wanted, from, besideTellingName);
        int first = Math.Max(0, from - Inspection.BytesAfter);
        ulong here = ulong.MaxValue << first % TriggerMasks.BlockBytes;
        for (int word = first / TriggerMasks.BlockBytes; word < places.Length; word++)
        {
            int at = word * TriggerMasks.BlockBytes;
            ulong marked = places[word] & here;
            here = ulong.MaxValue;
            if (marked != 0 && LookAt(value, wanted, until, at, marked, ref offer)) break;
            if (at >= until || at > offer.Found.Start) break;
        }

        return offer.IsFound(out found);
    }

    private static LeftmostOffer First(
        ReadOnlySpan<byte> value, DetectorSet wanted, int from, bool besideTellingName)
    {
        var offer = new LeftmostOffer(from);
        if (besideTellingName) Inspection.OfferBesideName(value, wanted, ref offer);
        if (from > 0 && (wanted & DetectorSet.CloudKey) != 0) Inspection.OfferSecrets(value, ref offer);
        return offer;
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
    private static void FindInTail(
        ReadOnlySpan<byte> value, DetectorSet wanted, int until, int at, Triggers triggers, ulong isAfterWord,
        ulong isAfterDigit, ref LeftmostOffer offer)
    {
        Span<byte> padded = stackalloc byte[TriggerMasks.BlockBytes + TriggerMasks.BytesAhead];
        for (bool isFirst = true; at < value.Length; at += TriggerMasks.BlockBytes, isFirst = false)
        {
            if (!isFirst) padded.Clear();
            value.Slice(at, Math.Min(value.Length - at, padded.Length)).CopyTo(padded);
            ulong places = triggers.In(padded, ref isAfterWord, ref isAfterDigit);
            if (places != 0 && LookAt(value, wanted, until, at, places, ref offer)) return;
        }
    }

    /// <summary>True once the leftmost is found, or what comes begins too late.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool LookAt(
        ReadOnlySpan<byte> value, DetectorSet wanted, int until, int at, ulong places, ref LeftmostOffer offer)
    {
        var text = new ValueText(value);
        int end = until
            + (EmailAddress.MayCross(value, until) ? DetectorLimits.LocalPartMax : Inspection.BytesBefore);
        for (; places != 0; places &= places - 1)
        {
            int place = at + BitOperations.TrailingZeroCount(places);
            if (place >= end) return true;
            int last = Math.Min(offer.Found.Start, until - 1);
            if (place > last + DetectorLimits.LocalPartMax) return true;
            if (place > last + Inspection.BytesBefore && value[place] != '@') continue;
            Inspection.Offer(text, wanted, place, ref offer);
        }

        return at >= Math.Min(offer.Found.Start + 1L, until) || at + TriggerMasks.BlockBytes >= end;
    }
}
