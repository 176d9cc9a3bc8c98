using Countersign.DataPlane;

namespace Countersign.Cli.Configuration;

/// <summary>
/// Reads the <c>limits</c> of the configuration; every name is that of <see cref="Limits"/> in camel case.
/// </summary>
internal static class LimitsReader
{
    /// <summary>Every name it knows.</summary>
    internal static readonly string[] Names =
    [
        "headBytesMax", "fieldsMax", "targetBytesMax", "bodyBytesMax", "approvalBodyBytesMax", "replyWindowBytes",
        "connectionsMax", "parkedCallsMax", "idleUpstreamConnectionsMax", "drainBytesMax", "keepAliveIdle",
        "headWithin", "clientStall", "connectWithin", "holdMax", "policyStaleAfter", "policyDeadAfter", "drainWithin",
        "handshakeWithin", "handshakesMax", "proxyHeaderWithin",
    ];

    /// <summary>Reads them; what is absent keeps its default.</summary>
    internal static Limits Read(ConfigurationSection section)
    {
        Limits absent = new();
        Limits limits = new()
        {
            HeadBytesMax = (int)section.Number("headBytesMax", absent.HeadBytesMax, 1_024, 1_048_576),
            FieldsMax = (int)section.Number("fieldsMax", absent.FieldsMax, 1, 1_000),
            TargetBytesMax = (int)section.Number("targetBytesMax", absent.TargetBytesMax, 1, 1_048_576),
            BodyBytesMax = section.Number("bodyBytesMax", absent.BodyBytesMax, 0, 1L << 40),
            ApprovalBodyBytesMax = (int)section.Number("approvalBodyBytesMax", absent.ApprovalBodyBytesMax, 0, 1 << 26),
            ReplyWindowBytes = (int)section.Number("replyWindowBytes", absent.ReplyWindowBytes, 1, 1 << 24),
            ConnectionsMax = (int)section.Number("connectionsMax", absent.ConnectionsMax, 1, 1_000_000),
            ParkedCallsMax = (int)section.Number("parkedCallsMax", absent.ParkedCallsMax, 0, 1_000_000),
            IdleUpstreamConnectionsMax = (int)section.Number(
                "idleUpstreamConnectionsMax", absent.IdleUpstreamConnectionsMax, 0, 4_096),
            DrainBytesMax = (int)section.Number("drainBytesMax", absent.DrainBytesMax, 0, 1 << 26),
            KeepAliveIdle = section.Duration("keepAliveIdle", absent.KeepAliveIdle),
            HeadWithin = section.Duration("headWithin", absent.HeadWithin),
            ClientStall = section.Duration("clientStall", absent.ClientStall),
            ConnectWithin = section.Duration("connectWithin", absent.ConnectWithin),
            HandshakeWithin = section.Duration("handshakeWithin", absent.HandshakeWithin),
            HandshakesMax = (int)section.Number("handshakesMax", absent.HandshakesMax, 1, 1_000_000),
            ProxyHeaderWithin = section.Duration("proxyHeaderWithin", absent.ProxyHeaderWithin),
            HoldMax = section.Duration("holdMax", absent.HoldMax),
            PolicyStaleAfter = section.Duration("policyStaleAfter", absent.PolicyStaleAfter),
            PolicyDeadAfter = section.Duration("policyDeadAfter", absent.PolicyDeadAfter),
            DrainWithin = section.Duration("drainWithin", absent.DrainWithin),
        };
        if (limits.TargetBytesMax > limits.HeadBytesMax)
        {
            section.Fault("targetBytesMax", "cannot be more than headBytesMax");
        }

        section.RefuseOthers();
        return limits;
    }
}
