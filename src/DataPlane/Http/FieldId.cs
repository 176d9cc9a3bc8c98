using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>The fields that the gateway itself acts on; every other field is <see cref="Other"/>.</summary>
internal enum FieldId : byte
{
    /// <summary>Passed on as it is, unless Connection names it.</summary>
    Other = 0,
    Accept,
    AcceptEncoding,
    Authorization,

    /// <summary>A digest of the body, which no longer holds once the body is masked.</summary>
    BodyDigest,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentType,
    Cookie,
    CountersignApproval,
    CountersignOther,
    CountersignReason,
    Date,
    DPoP,
    Expect,
    Forwarded,
    Host,
    IdempotencyKey,
    KeepAlive,
    Prefer,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    Range,
    Te,
    Traceparent,
    Tracestate,
    Trailer,
    TransferEncoding,
    Upgrade,
    XForwarded,
}

/// <summary>Names to ids.</summary>
internal static class FieldIds
{
    /// <summary>The id of a field name, compared without regard to case.</summary>
    [HotPath]
    internal static FieldId Of(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when Is(name, "te"u8) => FieldId.Te,
        4 => OfFour(name),
        5 when Is(name, "range"u8) => FieldId.Range,
        6 => OfSix(name),
        7 => OfSeven(name),
        9 when Is(name, "forwarded"u8) => FieldId.Forwarded,
        10 => OfTen(name),
        11 => OfEleven(name),
        12 when Is(name, "content-type"u8) => FieldId.ContentType,
        13 when Is(name, "authorization"u8) => FieldId.Authorization,
        14 => OfFourteen(name),
        15 => OfFifteen(name),
        16 => OfSixteen(name),
        17 when Is(name, "transfer-encoding"u8) => FieldId.TransferEncoding,
        18 when Is(name, "proxy-authenticate"u8) => FieldId.ProxyAuthenticate,
        19 when Is(name, "proxy-authorization"u8) => FieldId.ProxyAuthorization,
        _ => OfPrefix(name),
    };

    /// <summary>
    /// True for fields that end at the next hop (RFC 9110 section 7.6.1), whether or not Connection names them.
    /// </summary>
    internal static bool IsHopByHop(FieldId id) => id is FieldId.Connection or FieldId.KeepAlive
        or FieldId.ProxyConnection or FieldId.ProxyAuthenticate or FieldId.ProxyAuthorization or FieldId.Te
        or FieldId.Trailer or FieldId.TransferEncoding or FieldId.Upgrade;

    private static FieldId OfFour(ReadOnlySpan<byte> name) =>
        Is(name, "host"u8) ? FieldId.Host
        : Is(name, "date"u8) ? FieldId.Date
        : Is(name, "dpop"u8) ? FieldId.DPoP
        : FieldId.Other;

    private static FieldId OfSix(ReadOnlySpan<byte> name) =>
        Is(name, "accept"u8) ? FieldId.Accept
        : Is(name, "cookie"u8) ? FieldId.Cookie
        : Is(name, "expect"u8) ? FieldId.Expect
        : Is(name, "prefer"u8) ? FieldId.Prefer
        : Is(name, "digest"u8) ? FieldId.BodyDigest
        : FieldId.Other;

    private static FieldId OfSeven(ReadOnlySpan<byte> name) =>
        Is(name, "trailer"u8) ? FieldId.Trailer
        : Is(name, "upgrade"u8) ? FieldId.Upgrade
        : FieldId.Other;

    private static FieldId OfTen(ReadOnlySpan<byte> name) =>
        Is(name, "connection"u8) ? FieldId.Connection
        : Is(name, "keep-alive"u8) ? FieldId.KeepAlive
        : Is(name, "tracestate"u8) ? FieldId.Tracestate
        : FieldId.Other;

    private static FieldId OfEleven(ReadOnlySpan<byte> name) =>
        Is(name, "traceparent"u8) ? FieldId.Traceparent
        : Is(name, "content-md5"u8) || Is(name, "repr-digest"u8) ? FieldId.BodyDigest
        : FieldId.Other;

    private static FieldId OfFourteen(ReadOnlySpan<byte> name) =>
        Is(name, "content-length"u8) ? FieldId.ContentLength
        : Is(name, "content-digest"u8) ? FieldId.BodyDigest
        : OfPrefix(name);

    private static FieldId OfFifteen(ReadOnlySpan<byte> name) =>
        Is(name, "accept-encoding"u8) ? FieldId.AcceptEncoding
        : Is(name, "idempotency-key"u8) ? FieldId.IdempotencyKey
        : OfPrefix(name);

    private static FieldId OfSixteen(ReadOnlySpan<byte> name) =>
        Is(name, "content-encoding"u8) ? FieldId.ContentEncoding
        : Is(name, "proxy-connection"u8) ? FieldId.ProxyConnection
        : OfPrefix(name);

    private static FieldId OfPrefix(ReadOnlySpan<byte> name)
    {
        if (name.Length > 12 && Is(name[..12], "countersign-"u8))
        {
            return Is(name[12..], "approval"u8) ? FieldId.CountersignApproval
                : Is(name[12..], "reason"u8) ? FieldId.CountersignReason
                : FieldId.CountersignOther;
        }

        return name.Length > 12 && Is(name[..12], "x-forwarded-"u8) ? FieldId.XForwarded : FieldId.Other;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower) => Ascii.EqualsIgnoreCase(name, lower);
}
