using System.Numerics;
using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>
/// Goes through one value from find to find, as <see cref="ValueDetector.TryFind"/> says of each, and keeps what it
/// knows of a block for what comes next in it. Each place that may give something away is asked once; where it takes
/// more to tell what is joined, it is looked for in order.
/// </summary>
internal ref struct ValueSearch
{
    private const int Most = TriggerMasks.BlockBytes + TriggerMasks.BytesAhead;

    private readonly ValueText _text;
    private readonly ReadOnlySpan<ulong> _given;   // where something may be given away, if that is known before
    private readonly Triggers _triggers;
    private readonly DetectorSet _wanted;
    private readonly bool _isGiven;
    private readonly bool _besideTellingName;
    private readonly int _most;
    private ulong _isAfterWord;    // each 0 or 1, of the byte before the next block
    private ulong _isAfterDigit;
    private ulong _places;         // of the block, those that are still to be asked
    private int _block;            // where it begins
    private int _next;             // where the next one begins
    private bool _isNew;           // nothing was found yet from here

    /// <summary>Begins at <paramref name="from"/>; the rest is what <see cref="ValueDetector.TryFind"/>
    /// takes.</summary>
    public ValueSearch(
        ValueText text, DetectorSet wanted, bool besideTellingName, int from = 0, int most = int.MaxValue)
    {
        _text = text;
        _wanted = wanted;
        _besideTellingName = besideTellingName;
        _most = most;
        _triggers = new Triggers(wanted);
        Begin(from);
    }

    /// <summary>Begins where it is known at which <paramref name="places"/> what is wanted may be given away: a bit for
    /// each byte, 64 a word, too many and never too few. They must stay until the search ends.</summary>
    public ValueSearch(
        ValueText text, DetectorSet wanted, bool besideTellingName, ReadOnlySpan<ulong> places)
    {
        _text = text;
        _wanted = wanted;
        _besideTellingName = besideTellingName;
        _most = int.MaxValue;
        _given = places;
        _isGiven = true;
        Begin(0);
    }

    /// <summary>Nothing that begins before is found any more.</summary>
    public int From { get; private set; }

    /// <summary>Finds the leftmost detection from here, with all that overlap it and one another.</summary>
    [HotPath]
    public bool TryNext(out Detection found)
    {
        var offers = new JoinedOffers(From);
        if (_isNew) BeginAt(ref offers);
        ulong places = _places;
        while (places != 0 || TryBlock(offers.End, out places))
        {
            int place = _block + BitOperations.TrailingZeroCount(places);
            if (place >= offers.End) break;
            places &= places - 1;
            Inspection.Offer(_text, _wanted, place, ref offers);
        }

        _places = places;
        found = Detection.None;
        if (offers.All == DetectorSet.None) return false;
        bool hasWords = _besideTellingName && offers.End < _text.Value.Length;   // only the first was offered
        bool isOrdered = offers.IsIntricate || offers.End - offers.Start > _most || hasWords
            || MayGoOn(_text.Value, offers);
        if (isOrdered) return TryInOrder(out found);
        found = offers.Found;
        From = found.End;
        if (offers.HasMore) Begin(From);
        return true;
    }

    /// <summary>Finds at once what is first in a value whose <paramref name="places"/> are all in its first 64 bytes,
    /// or nothing, without what a search keeps; <paramref name="isAll"/> tells that there is no more. False if it
    /// cannot tell.</summary>
    [HotPath]
    public static bool TryFindFirst(
        in ValueText text, DetectorSet wanted, bool besideTellingName, ulong places, out Detection found,
        out bool isAll)
    {
        var offers = new JoinedOffers(0);
        if (besideTellingName) Inspection.OfferBesideName(text.Value, wanted, ref offers);
        for (; places != 0; places &= places - 1)
        {
            int place = BitOperations.TrailingZeroCount(places);
            if (place >= offers.End) break;
            Inspection.Offer(text, wanted, place, ref offers);
        }

        isAll = places == 0 && !offers.HasMore;
        found = Detection.None;
        if (offers.All == DetectorSet.None) return true;
        found = offers.Found;
        bool hasWords = besideTellingName && found.End < text.Value.Length;
        return !hasWords && !offers.IsIntricate && !MayGoOn(text.Value, offers);
    }

    /// <summary>What a detector must look at in a value of up to 64 bytes.</summary>
    public static ulong PlacesIn(ReadOnlySpan<byte> value, DetectorSet wanted)
    {
        Span<byte> padded = stackalloc byte[Most];
        value.CopyTo(padded);
        ulong isAfterWord = 0;
        ulong isAfterDigit = 0;
        return new Triggers(wanted).In(padded, ref isAfterWord, ref isAfterDigit);
    }

    /// <summary>Goes on at <paramref name="from"/>, wherever it was.</summary>
    public void Begin(int from)
    {
        From = from;
        _places = 0;
        _isNew = true;
        int at = Math.Max(0, from - Inspection.BytesAfter);
        if (_isGiven)
        {
            int word = at / TriggerMasks.BlockBytes;
            _block = word * TriggerMasks.BlockBytes;
            _next = _block + TriggerMasks.BlockBytes;
            if (word < _given.Length) _places = _given[word] & ulong.MaxValue << at % TriggerMasks.BlockBytes;
            return;
        }

        _next = at;
        _isAfterWord = at > 0 && AsciiClass.IsWord(_text.Value[at - 1]) ? 1UL : 0;
        _isAfterDigit = at > 0 && AsciiClass.IsDigit(_text.Value[at - 1]) ? 1UL : 0;
    }

    // What begins where no place gives it away, or one that lies far before.
    private void BeginAt(ref JoinedOffers offers)
    {
        _isNew = false;
        if (_besideTellingName) Inspection.OfferBesideName(_text.Value, _wanted, ref offers);
        if (From > 0 && (_wanted & DetectorSet.CloudKey) != 0) Inspection.OfferSecrets(_text.Value, ref offers);
    }

    // What begins in what was found may be given away behind it.
    private static bool MayGoOn(ReadOnlySpan<byte> value, in JoinedOffers offers)
    {
        int end = offers.End;
        if (end >= value.Length) return false;
        byte last = value[end - 1];
        if (!EmailAddress.IsLocal(last) || offers.IsUserBeforeHost(value[end])) return false;
        return EmailAddress.Crosses(value, end) || Inspection.Crosses(last, value[end]);
    }

    private bool TryInOrder(out Detection found)
    {
        bool isFound = ValueDetector.TryFindInOrder(
            _text.Value, _wanted, From, _besideTellingName, _given, _most, out found);
        Begin(isFound ? found.End : _text.Value.Length);
        return isFound;
    }

    /// <summary>Takes the next block that has <paramref name="places"/>, unless it begins at
    /// <paramref name="end"/> or later.</summary>
    private bool TryBlock(int end, out ulong places)
    {
        int until = Math.Min(end, _text.Value.Length);
        if (_isGiven) return TryGiven(until, out places);
        places = 0;
        while (places == 0 && _next < until)
        {
            _block = _next;
            _next += TriggerMasks.BlockBytes;
            ReadOnlySpan<byte> block = _text.From(_block);
            places = block.Length >= Most ? _triggers.In(block, ref _isAfterWord, ref _isAfterDigit) : InTail();
            int left = _text.Value.Length - _block;
            if (left < TriggerMasks.BlockBytes) places &= (1UL << left) - 1;
        }

        return places != 0;
    }

    private bool TryGiven(int until, out ulong places)
    {
        places = 0;
        while (places == 0 && _next < until)
        {
            int word = _next / TriggerMasks.BlockBytes;
            if (word >= _given.Length) return false;
            _block = _next;
            _next += TriggerMasks.BlockBytes;
            places = _given[word];
        }

        return places != 0;
    }

    // Less than a block and what is read with it is looked at among zeros.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong InTail()
    {
        Span<byte> padded = stackalloc byte[Most];
        _text.Value.Slice(_block, Math.Min(_text.Value.Length - _block, Most)).CopyTo(padded);
        return _triggers.In(padded, ref _isAfterWord, ref _isAfterDigit);
    }
}
