namespace Countersign.Masking.Detectors;

/// <summary>Takes what is found at one place of a value after another.</summary>
internal interface IOffers
{
    /// <summary>What begins before this place is not wanted.</summary>
    int From { get; }

    /// <summary>Offers what <paramref name="detector"/> says of <paramref name="length"/> bytes at
    /// <paramref name="start"/>; nothing if there are none.</summary>
    void Offer(int start, int length, DetectorSet detector);
}

/// <summary>Keeps the leftmost of what is offered.</summary>
internal struct LeftmostOffer(int from) : IOffers
{
    /// <summary>The leftmost; of those that begin together the longest.</summary>
    public Detection Found = Detection.None;

    /// <inheritdoc/>
    public readonly int From => from;

    /// <summary>True if something was offered.</summary>
    public readonly bool IsFound(out Detection found)
    {
        found = Found;
        return found.Length > 0;
    }

    /// <inheritdoc/>
    public void Offer(int start, int length, DetectorSet detector)
    {
        if (length > 0 && start >= from) Found = Detection.Better(Found, new(start, length, detector));
    }
}
