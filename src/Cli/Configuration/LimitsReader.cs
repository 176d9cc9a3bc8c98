using Countersign.DataPlane;

namespace Countersign.Cli.Configuration;

/// <summary>
/// Reads the <c>limits</c> of the configuration: a row for each, which docs/CONFIGURATION.md repeats.
/// </summary>
internal static class LimitsReader
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    /// <summary>Every limit, in the order of the page.</summary>
    internal static readonly LimitRow[] Rows =
    [
        LimitRow.Number(
            "headBytesMax", 1_024, 1_048_576, limits => limits.HeadBytesMax,
            (limits, number) => limits with { HeadBytesMax = (int)number }),
        LimitRow.Number(
            "fieldsMax", 1, 1_000, limits => limits.FieldsMax,
            (limits, number) => limits with { FieldsMax = (int)number }),
        LimitRow.Number(
            "targetBytesMax", 1, 1_048_576, limits => limits.TargetBytesMax,
            (limits, number) => limits with { TargetBytesMax = (int)number }),
        LimitRow.Number(
            "bodyBytesMax", 0, 1L << 40, limits => limits.BodyBytesMax,
            (limits, number) => limits with { BodyBytesMax = number }),
        LimitRow.Number(
            "chunkExtensionBytesMax", 0, 65_536, limits => limits.ChunkExtensionBytesMax,
            (limits, number) => limits with { ChunkExtensionBytesMax = (int)number }),
        LimitRow.Number(
            "trailerBytesMax", 0, 1_048_576, limits => limits.TrailerBytesMax,
            (limits, number) => limits with { TrailerBytesMax = (int)number }),
        LimitRow.Number(
            "trailersMax", 0, 1_000, limits => limits.TrailersMax,
            (limits, number) => limits with { TrailersMax = (int)number }),
        LimitRow.Number(
            "approvalBodyBytesMax", 0, 1 << 26, limits => limits.ApprovalBodyBytesMax,
            (limits, number) => limits with { ApprovalBodyBytesMax = (int)number }),
        LimitRow.Number(
            "replyWindowBytes", 1, 1 << 24, limits => limits.ReplyWindowBytes,
            (limits, number) => limits with { ReplyWindowBytes = (int)number }),
        LimitRow.Number(
            "decodedBytesMax", 65_536, 1L << 40, limits => limits.DecodedBytesMax,
            (limits, number) => limits with { DecodedBytesMax = number }),
        LimitRow.Number(
            "decodedRatioMax", 2, 10_000, limits => limits.DecodedRatioMax,
            (limits, number) => limits with { DecodedRatioMax = (int)number }),
        LimitRow.Number(
            "bufferedBytesMax", 65_536, 1L << 40, limits => limits.BufferedBytesMax,
            (limits, number) => limits with { BufferedBytesMax = number }),
        LimitRow.Number(
            "connectionsMax", 1, 1_000_000, limits => limits.ConnectionsMax,
            (limits, number) => limits with { ConnectionsMax = (int)number }),
        LimitRow.Number(
            "connectionsPerAddressMax", 1, 1_000_000, limits => limits.ConnectionsPerAddressMax,
            (limits, number) => limits with { ConnectionsPerAddressMax = (int)number }),
        LimitRow.Number(
            "callsPerConnectionMax", 1, 1_000_000_000, limits => limits.CallsPerConnectionMax,
            (limits, number) => limits with { CallsPerConnectionMax = (int)number }),
        LimitRow.Number(
            "callsInFlightMax", 1, 1_000_000, limits => limits.CallsInFlightMax,
            (limits, number) => limits with { CallsInFlightMax = (int)number }),
        LimitRow.Number(
            "callsPerUpstreamMax", 1, 1_000_000, limits => limits.CallsPerUpstreamMax,
            (limits, number) => limits with { CallsPerUpstreamMax = (int)number }),
        LimitRow.Switch(
            "adaptiveConcurrency", limits => limits.AdaptiveConcurrency,
            (limits, isOn) => limits with { AdaptiveConcurrency = isOn }),
        LimitRow.Number(
            "adaptiveCallsMin", 1, 1_000_000, limits => limits.AdaptiveCallsMin,
            (limits, number) => limits with { AdaptiveCallsMin = (int)number }),
        LimitRow.Number(
            "adaptiveUpstreamCallsMin", 1, 1_000_000, limits => limits.AdaptiveUpstreamCallsMin,
            (limits, number) => limits with { AdaptiveUpstreamCallsMin = (int)number }),
        LimitRow.Number(
            "parkedCallsMax", 0, 1_000_000, limits => limits.ParkedCallsMax,
            (limits, number) => limits with { ParkedCallsMax = (int)number }),
        LimitRow.Number(
            "idleUpstreamConnectionsMax", 0, 4_096, limits => limits.IdleUpstreamConnectionsMax,
            (limits, number) => limits with { IdleUpstreamConnectionsMax = (int)number }),
        LimitRow.Number(
            "drainBytesMax", 0, 1 << 26, limits => limits.DrainBytesMax,
            (limits, number) => limits with { DrainBytesMax = (int)number }),
        LimitRow.Duration(
            "keepAliveIdle", Second, Day, limits => limits.KeepAliveIdle,
            (limits, span) => limits with { KeepAliveIdle = span }),
        LimitRow.Duration(
            "headWithin", Second, Hour, limits => limits.HeadWithin,
            (limits, span) => limits with { HeadWithin = span }),
        LimitRow.Duration(
            "clientStall", Second, Hour, limits => limits.ClientStall,
            (limits, span) => limits with { ClientStall = span }),
        LimitRow.Number(
            "requestBytesPerSecondMin", 0, 1 << 30, limits => limits.RequestBytesPerSecondMin,
            (limits, number) => limits with { RequestBytesPerSecondMin = (int)number }),
        LimitRow.Number(
            "answerBytesPerSecondMin", 0, 1 << 30, limits => limits.AnswerBytesPerSecondMin,
            (limits, number) => limits with { AnswerBytesPerSecondMin = (int)number }),
        LimitRow.Duration(
            "rateWindow", Second, Hour, limits => limits.RateWindow,
            (limits, span) => limits with { RateWindow = span }),
        LimitRow.Duration(
            "connectWithin", Millisecond, Hour, limits => limits.ConnectWithin,
            (limits, span) => limits with { ConnectWithin = span }),
        LimitRow.Duration(
            "handshakeWithin", Millisecond, Hour, limits => limits.HandshakeWithin,
            (limits, span) => limits with { HandshakeWithin = span }),
        LimitRow.Number(
            "handshakesMax", 1, 1_000_000, limits => limits.HandshakesMax,
            (limits, number) => limits with { HandshakesMax = (int)number }),
        LimitRow.Duration(
            "proxyHeaderWithin", Millisecond, Hour, limits => limits.ProxyHeaderWithin,
            (limits, span) => limits with { ProxyHeaderWithin = span }),
        LimitRow.Duration(
            "holdMax", Second, Hour, limits => limits.HoldMax,
            (limits, span) => limits with { HoldMax = span }),
        LimitRow.Duration(
            "policyStaleAfter", Millisecond, Day, limits => limits.PolicyStaleAfter,
            (limits, span) => limits with { PolicyStaleAfter = span }),
        LimitRow.Duration(
            "policyDeadAfter", Millisecond, Week, limits => limits.PolicyDeadAfter,
            (limits, span) => limits with { PolicyDeadAfter = span }),
        LimitRow.Number(
            "pendingApprovalsPerCaller", 1, 10_000, limits => limits.PendingApprovalsPerCaller,
            (limits, number) => limits with { PendingApprovalsPerCaller = (int)number }),
        LimitRow.Number(
            "approvalAsksPerMinute", 1, 1_000_000, limits => limits.ApprovalAsksPerMinute,
            (limits, number) => limits with { ApprovalAsksPerMinute = (int)number }),
        LimitRow.Number(
            "rateBucketsMax", 1, 10_000_000, limits => limits.RateBucketsMax,
            (limits, number) => limits with { RateBucketsMax = (int)number }),
        LimitRow.Duration(
            "drainGrace", TimeSpan.Zero, Hour, limits => limits.DrainGrace,
            (limits, span) => limits with { DrainGrace = span }),
        LimitRow.Duration(
            "drainWithin", Millisecond, Hour, limits => limits.DrainWithin,
            (limits, span) => limits with { DrainWithin = span }),
        LimitRow.Duration(
            "bindWithin", TimeSpan.Zero, Hour, limits => limits.BindWithin,
            (limits, span) => limits with { BindWithin = span }),
    ];

    /// <summary>Every name it knows.</summary>
    internal static string[] Names => [.. Rows.Select(row => row.Name)];

    /// <summary>Reads them; what is absent keeps its default.</summary>
    internal static Limits Read(ConfigurationSection section)
    {
        Limits limits = new();
        foreach (LimitRow row in Rows) limits = row.Read(section, limits);
        if (!section.Has("targetBytesMax") && limits.TargetBytesMax > limits.HeadBytesMax)
            limits = limits with { TargetBytesMax = limits.HeadBytesMax };
        if (limits.TargetBytesMax > limits.HeadBytesMax)
        {
            section.Fault("targetBytesMax", "cannot be more than headBytesMax");
        }

        // A call that needs more than there can ever be would be told to come back for ever.
        if (limits.BufferedBytesMax < Math.Max(limits.ApprovalBodyBytesMax, limits.ReplyWindowBytes))
        {
            section.Fault("bufferedBytesMax", "cannot be less than approvalBodyBytesMax or replyWindowBytes");
        }

        section.RefuseOthers();
        return limits;
    }
}
