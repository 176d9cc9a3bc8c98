namespace Countersign.ControlPlane.Console;

/// <summary>Every bound of the console (STYLE rule 10).</summary>
internal static class ConsoleLimits
{
    /// <summary>From the sign-in page to the issuer and back, a forgotten password included.</summary>
    public static readonly TimeSpan SignInWithin = TimeSpan.FromMinutes(10);

    /// <summary>Steps of signing in, of which one takes two, that one address may take in a minute.</summary>
    public const int SignInStepsPerMinute = 60;

    /// <summary>The same for all addresses together: each step may cost a request to an issuer.</summary>
    public const int SignInStepsPerMinuteOfAll = 1_200;

    /// <summary>Addresses remembered in one minute; the rest share what is left for all.</summary>
    public const int AddressesRememberedMax = 4_096;

    /// <summary>From the provider's answer to the page that it leads to: one redirect.</summary>
    public static readonly TimeSpan TicketWithin = TimeSpan.FromMinutes(2);

    /// <summary>A provider's answer, form-encoded: the largest assertion that is read, and room for its
    /// encoding.</summary>
    public const int AnswerBytesMax = 640 * 1_024;

    public const int FormBytesMax = 16_384;
    public const int ReturnCharactersMax = 512;
    public const int CodeCharactersMax = 4_096;

    public const int ApprovalsOnPage = 50;
    public const int EarlierCallsMax = 5;

    /// <summary>Values of a body that a page shows; a million of them would be no page.</summary>
    public const int ValuesShownMax = 4_000;

    /// <summary>Characters of one value before the rest is folded away, with its length stated.</summary>
    public const int TextShownMax = 280;

    /// <summary>Members or items before the rest is folded away.</summary>
    public const int ItemsShownMax = 40;

    public const int DepthMax = 64;

    /// <summary>Numbers that are picked out of a body where fewer are named like amounts; what is beyond is
    /// counted.</summary>
    public const int AmountsPinnedMax = 6;

    /// <summary>Numbers named like amounts that are all picked out; what is beyond must be opened and read.</summary>
    public const int NamedPinnedMax = 24;

    /// <summary>Of those, how many are in sight wherever the page is scrolled to: the list of them may not cover a
    /// phone's page. Beyond it the list itself scrolls, and whoever approves says that they read all of it.</summary>
    public const int AmountsStuckMax = 4;

    /// <summary>Characters of a picked number, or of its name, before its middle is folded, with its length
    /// stated.</summary>
    public const int PinCharactersMax = 40;

    /// <summary>The same in what does not scroll away: with its name it takes a line or two of a window 320 px
    /// wide.</summary>
    public const int PinCharactersStuckMax = 22;

    /// <summary>Places in a body that are offered to whoever reveals one; any other can be written.</summary>
    public const int PointersOfferedMax = 200;

    public const int FilterCharactersMax = 200;
}
