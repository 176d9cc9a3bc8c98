namespace Countersign.Policy;

/// <summary>Every bound of the policy language (STYLE rule 10). A document beyond one is refused.</summary>
internal static class PolicyLimits
{
    public const int DocumentBytesMax = 1_048_576;

    /// <summary>The language itself nests six deep. The parser's time grows with the square of the depth.</summary>
    public const int DepthMax = 16;

    public const int FunctionsMax = 10_000;
    public const int RulesMax = 2_000;
    public const int PatternsMax = 10_000;
    public const int ListItemsMax = 1_000;
    public const int IdCharactersMax = 128;
    public const int TextCharactersMax = 512;
    public const int RateLimitsMax = 500;
    public const int RatePerSecondMax = 100_000;
    public const int BurstMax = 1_000_000;

    /// <summary>Of a title or description in a schema of arguments.</summary>
    public const int SchemaTextCharactersMax = 4_096;

    /// <summary>Patterns in all schemas of arguments together: each is compiled.</summary>
    public const int SchemaPatternsMax = 2_000;
    public const int StagesMax = 16;
    public const int ApproversMax = 16;
    public const int DutiesPerFunctionMax = 16;
    public const int PathSegmentsMax = 32;

    /// <summary>Also the room on the stack for one decoded segment of a call's path.</summary>
    public const int SegmentBytesMax = 256;

    /// <summary>Suggestions compare with every known name; past this many errors they are left out.</summary>
    public const int SuggestionsMax = 100;

    /// <summary>Of a tool's name, and of a pattern of names.</summary>
    public const int ToolCharactersMax = 128;

    /// <summary>At one endpoint: a call is compared with each.</summary>
    public const int ToolPatternsMax = 256;

    public const int UpstreamConnectionsMax = 65_535;
    public const int UpstreamCallsMax = 1_000_000;
    public const int ChecksInRowMax = 100;
    public const int FailuresInRowMax = 1_000;

    public static readonly TimeSpan UpstreamTimeoutMin = TimeSpan.FromMilliseconds(1);
    public static readonly TimeSpan UpstreamTimeoutMax = TimeSpan.FromHours(1);
    public static readonly TimeSpan ConnectTimeoutMax = TimeSpan.FromMinutes(1);

    /// <summary>For what repeats in the background: resolving, checking, ejecting.</summary>
    public static readonly TimeSpan PeriodMin = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan PeriodMax = TimeSpan.FromHours(1);
    public static readonly TimeSpan EjectionMax = TimeSpan.FromDays(1);
    public static readonly TimeSpan TimeToLiveMin = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan TimeToLiveMax = TimeSpan.FromHours(1);
    public static readonly TimeSpan WindowMin = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan WindowMax = TimeSpan.FromDays(30);
    public static readonly TimeSpan DutyWindowMax = TimeSpan.FromDays(400);
    public static readonly TimeSpan RefillMax = TimeSpan.FromDays(30);
    public static readonly TimeSpan HoldMax = TimeSpan.FromHours(1);
}
