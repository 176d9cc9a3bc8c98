namespace Countersign.Policy.Redis;

/// <summary>What a stream did with entries. Zero is that nobody knows.</summary>
public enum AuditStreamStatus : byte
{
    /// <summary>The store did not answer.</summary>
    Unavailable = 0,

    /// <summary>It has all of them, now or before.</summary>
    Taken,

    /// <summary>It holds as much as it may, until consumer groups acknowledge what it holds.</summary>
    Full,

    /// <summary>It expects earlier entries first: it lost some.</summary>
    Behind,

    /// <summary>It holds another entry under one of the numbers.</summary>
    Contradicted,

    /// <summary>The store has no streams.</summary>
    Unsupported,

    /// <summary>The store said no.</summary>
    Refused,
}

/// <summary>An answer of a stream.</summary>
/// <param name="Status">How it went.</param>
/// <param name="Message">Why not, in the store's words or for people; empty where it went well.</param>
/// <param name="Next">The entry that it expects next.</param>
/// <param name="Leaf">The hash that its newest entry was given; empty where there is none.</param>
public sealed record AuditStreamAnswer(
    AuditStreamStatus Status, string Message = "", long Next = 0, ReadOnlyMemory<byte> Leaf = default);

/// <summary>One entry of an audit log, as a stream holds it.</summary>
/// <param name="Index">Its number in its log, from 0. Its id in the stream is one more.</param>
/// <param name="Leaf">RFC 6962 hash, 32 bytes.</param>
/// <param name="Record">The record: UTF-8 JSON.</param>
public sealed record AuditStreamEntry(long Index, ReadOnlyMemory<byte> Leaf, ReadOnlyMemory<byte> Record);
