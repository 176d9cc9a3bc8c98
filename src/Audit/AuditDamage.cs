namespace Countersign.Audit;

/// <summary>What is wrong with a log. Zero is a log nobody has looked at.</summary>
public enum AuditDamageKind : byte
{
    /// <summary>Not examined; never to be read as whole.</summary>
    Unexamined = 0,

    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>A frame's payload does not match its CRC-32C.</summary>
    CrcMismatch,

    /// <summary>A frame states a length that no entry has: 0, or above 65,535.</summary>
    LengthInvalid,

    /// <summary>A frame ends beyond the end of its segment.</summary>
    Truncated,

    /// <summary>An entry and its hash in the tiles disagree.</summary>
    HashMismatch,

    /// <summary>A file is not there, or does not reach as far as it must.</summary>
    Missing,

    /// <summary>The log holds fewer entries than its checkpoint states.</summary>
    RolledBack,

    /// <summary>The checkpoint is malformed or not signed by the log's key.</summary>
    CheckpointSignature,

    /// <summary>The entries do not add up to the root that was signed.</summary>
    RootMismatch,

    /// <summary>The log does not continue the checkpoint the examiner brought along.</summary>
    ForkedFromKnown,

    /// <summary>The key beside the log is malformed or not the one the examiner trusts.</summary>
    KeyMismatch,

    /// <summary>A file could not be read.</summary>
    Unreadable,

    /// <summary>A witness that the examiner trusts has not cosigned the log, as far as the folder shows.</summary>
    Unwitnessed,
}

/// <summary>One finding, with the place it was found at.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Entry">The first entry it touches, or -1 when it touches no single one.</param>
/// <param name="File">The file, relative to the log's folder.</param>
/// <param name="ByteOffset">Where in that file, or -1.</param>
/// <param name="Message">The same, for people.</param>
public sealed record AuditDamage(AuditDamageKind Kind, long Entry, string File, long ByteOffset, string Message);
