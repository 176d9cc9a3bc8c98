namespace Countersign.ControlPlane;

/// <summary>Every bound of the control listener (STYLE rule 10).</summary>
internal static class ControlPlaneLimits
{
    /// <summary>Twice the largest policy document, so that one somewhat too large is told so by the policy
    /// reader.</summary>
    public const int BodyBytesMax = 2 * 1_048_576;

    /// <summary>What Kestrel still reads of a body that was refused: without it, whoever sends too much would meet a
    /// reset connection in place of the 413. Beyond this they do.</summary>
    public const int DrainedBytesMax = 8 * 1_048_576;

    /// <summary>A decision: the longest reason with every character escaped, and room for the rest.</summary>
    public const int DecisionBytesMax = 16_384;

    /// <summary>The policy feed asks the store once a second: five that stay unanswered are no accident.</summary>
    public static readonly TimeSpan StoreSilenceMax = TimeSpan.FromSeconds(5);

    public const int ReasonCharactersMax = 500;
    public const int ConnectionsMax = 4_096;

    /// <summary>What answers under way get when the listener stops. None waits for anything slower than the
    /// store.</summary>
    public static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);

    public const int ApprovalsOnPage = 50;
    public const int ApprovalsOnPageMax = 200;

    /// <summary>Pages of the store that one answer may be gathered from, where most approvals are not the
    /// viewer's.</summary>
    public const int StorePagesMax = 16;

    /// <summary>Moves tried against others who move the same approval; each that fails means that another's
    /// succeeded.</summary>
    public const int MoveAttemptsMax = 16;

    public const int PoliciesOnPage = 50;

    public const int CallsOnPage = 100;
    public const int CallsOnPageMax = 1_000;

    /// <summary>Entries looked at for one answer; what lies before them is for the next page.</summary>
    public const int CallEntriesScannedMax = 262_144;

    /// <summary>Searches of the log at once; the others wait.</summary>
    public const int CallSearchesMax = 2;
}
