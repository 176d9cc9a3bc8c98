using System.Text;

namespace Countersign.DataPlane.Http;

/// <summary>The fields that the gateway itself acts on; every other field is <see cref="Other"/>.</summary>
internal enum FieldId : byte
{
    /// <summary>Passed on as it is, unless Connection names it.</summary>
    Other = 0,
    Accept,
    AcceptEncoding,
    AcceptRanges,
    Authorization,

    /// <summary>A digest of the body, which no longer holds once the body is masked.</summary>
    BodyDigest,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentRange,
    ContentType,
    Cookie,
    CountersignApproval,
    CountersignOther,
    CountersignReason,
    Date,
    DPoP,

    /// <summary>ETag, which may be a digest of the body under another name.</summary>
    EntityTag,
    Expect,
    Forwarded,
    Host,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    IfRange,
    KeepAlive,
    Link,
    MaxForwards,
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
    Via,

    /// <summary>Any X-Forwarded field that has no id of its own.</summary>
    XForwarded,
    XForwardedFor,
    XForwardedHost,
    XForwardedProto,
}

/// <summary>Names to ids.</summary>
internal static class FieldIds
{
    /// <summary>The id of a field name, compared without regard to case.</summary>
    [HotPath]
    internal static FieldId Of(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when Is(name, "te"u8) => FieldId.Te,
        3 when Is(name, "via"u8) => FieldId.Via,
        4 => OfFour(name),
        5 when Is(name, "range"u8) => FieldId.Range,
        6 => OfSix(name),
        7 => OfSeven(name),
        8 => OfEight(name),
        9 when Is(name, "forwarded"u8) => FieldId.Forwarded,
        10 => OfTen(name),
        11 => OfEleven(name),
        12 => OfTwelve(name),
        13 => OfThirteen(name),
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

    /// <summary>
    /// True for fields that tell something of the body as the upstream has it, which a mask must not let out: digests,
    /// the entity tag, and the ranges it could be read in.
    /// </summary>
    internal static bool TellsOfBody(FieldId id) =>
        id is FieldId.BodyDigest or FieldId.EntityTag or FieldId.AcceptRanges or FieldId.ContentRange;

    /// <summary>
    /// True for fields that Connection may not name: taking one of them away at this hop would change what the request
    /// means, whom it is from, or where it ends (RFC 9110 section 7.6.1 forbids to name them).
    /// </summary>
    internal static bool IsEndToEnd(FieldId id) => id != FieldId.Other && !IsHopByHop(id);

    private static FieldId OfFour(ReadOnlySpan<byte> name) =>
        Is(name, "host"u8) ? FieldId.Host
        : Is(name, "date"u8) ? FieldId.Date
        : Is(name, "dpop"u8) ? FieldId.DPoP
        : Is(name, "etag"u8) ? FieldId.EntityTag
        : Is(name, "link"u8) ? FieldId.Link
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

    private static FieldId OfEight(ReadOnlySpan<byte> name) =>
        Is(name, "if-match"u8) ? FieldId.IfMatch
        : Is(name, "if-range"u8) ? FieldId.IfRange
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

    private static FieldId OfTwelve(ReadOnlySpan<byte> name) =>
        Is(name, "content-type"u8) ? FieldId.ContentType
        : Is(name, "max-forwards"u8) ? FieldId.MaxForwards
        : FieldId.Other;

    private static FieldId OfThirteen(ReadOnlySpan<byte> name) =>
        Is(name, "authorization"u8) ? FieldId.Authorization
        : Is(name, "if-none-match"u8) ? FieldId.IfNoneMatch
        : Is(name, "accept-ranges"u8) ? FieldId.AcceptRanges
        : Is(name, "content-range"u8) ? FieldId.ContentRange
        : OfPrefix(name);

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

        if (name.Length <= 12 || !Is(name[..12], "x-forwarded-"u8)) return FieldId.Other;
        return Is(name[12..], "for"u8) ? FieldId.XForwardedFor
            : Is(name[12..], "proto"u8) ? FieldId.XForwardedProto
            : Is(name[12..], "host"u8) ? FieldId.XForwardedHost
            : FieldId.XForwarded;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower) => Ascii.EqualsIgnoreCase(name, lower);
}
