namespace Countersign.Cli.Shipping;

/// <summary>The bounds of shipping.</summary>
internal static class ShipLimits
{
    /// <summary>Destinations of one gateway.</summary>
    internal const int DestinationsMax = 16;

    /// <summary>Entries in one write.</summary>
    internal const int BatchEntriesMax = 1_000;

    /// <summary>Bytes of records in one write, but for the one that passes it.</summary>
    internal const int BatchBytesMax = 1_048_576;

    /// <summary>How long one write may take before the destination counts as away.</summary>
    internal static readonly TimeSpan WrittenWithin = TimeSpan.FromSeconds(30);

    /// <summary>How often the log is looked at where all is shipped.</summary>
    internal static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>The first wait after a failure; each further one doubles it.</summary>
    internal static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait after a failure.</summary>
    internal static readonly TimeSpan RetryAfterMax = TimeSpan.FromSeconds(30);

    /// <summary>The wait where a destination is there and has no room: it has some again as soon as a reader
    /// acknowledges, so waiting longer each time would only fall behind that reader.</summary>
    internal static readonly TimeSpan FullRetryAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>What another consumer of a stream has held for so long is taken over.</summary>
    internal static readonly TimeSpan ClaimedAfter = TimeSpan.FromMinutes(1);

    /// <summary>How old a cursor on disk may be while entries flow, of destinations that know their own.</summary>
    internal static readonly TimeSpan SavedEvery = TimeSpan.FromSeconds(1);
}
