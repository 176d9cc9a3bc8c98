using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>
/// Joins what is offered and overlaps, whichever comes first. What it cannot tell so it says is
/// <see cref="IsIntricate"/>: what it holds then is no answer.
/// </summary>
internal struct JoinedOffers(int from) : IOffers
{
    private const DetectorSet Both = DetectorSet.BasicAuthUrl | DetectorSet.Email;

    private int _headEnd;            // of the leftmost, of those that begin together the longest
    private DetectorSet _head;
    private bool _isIntricate;
    private int _userEnd;            // where a URL's user and password end

    /// <summary>Where the leftmost begins.</summary>
    public int Start { get; private set; }

    /// <summary>Where all of them end; behind everything if there is nothing yet.</summary>
    public int End { get; private set; } = int.MaxValue;

    /// <summary>Who found something; nobody if there is nothing yet.</summary>
    public DetectorSet All { get; private set; }

    /// <summary>Something begins behind what is joined: it is to be looked for again.</summary>
    public bool HasMore { get; private set; }

    /// <summary>Keys are in no other keys, what looks like an address may be a URL's host, and what lay apart may have
    /// been joined meanwhile: the order decides then.</summary>
    public readonly bool IsIntricate => _isIntricate || (All & Both) == Both;

    /// <summary>What was joined.</summary>
    public readonly Detection Found => new(Start, End - Start, _head) { All = All };

    /// <summary>True if what looks like an address around <paramref name="next"/>, the byte behind what is joined, is a
    /// URL's host.</summary>
    public readonly bool IsUserBeforeHost(byte next)
    {
        const DetectorSet OverSigns = DetectorSet.Email | DetectorSet.HighEntropy | DetectorSet.PrivateKey;
        return next == '@' && End == _userEnd && (All & OverSigns) == DetectorSet.None;
    }

    /// <inheritdoc/>
    public readonly int From => from;

    /// <inheritdoc/>
    public void Offer(int start, int length, DetectorSet detector)
    {
        if (length > 0 && start >= from) Join(start, start + length, detector);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Join(int start, int end, DetectorSet detector)
    {
        if (detector == DetectorSet.PrivateKey) _isIntricate = true;
        if (detector == DetectorSet.BasicAuthUrl) _userEnd = end;
        if (All == DetectorSet.None || end <= Start)
        {
            HasMore |= All != DetectorSet.None;   // which were found too early
            (Start, End, All) = (start, end, detector);
            (_headEnd, _head) = (end, detector);
            return;
        }

        if (start >= End)
        {
            HasMore = true;
            return;
        }

        if (end > End)
        {
            _isIntricate |= HasMore;
            End = end;
        }

        bool isLonger = end > _headEnd || (end == _headEnd && detector < _head);
        if (start < Start || (start == Start && isLonger)) (Start, _headEnd, _head) = (start, end, detector);
        All |= detector;
    }
}
