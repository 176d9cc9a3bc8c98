namespace Countersign.DataPlane;

/// <summary>Which calls something is done for. Zero is none.</summary>
public enum AuditScope : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Those of high and critical functions.</summary>
    Strict,

    /// <summary>All.</summary>
    All,
}

/// <summary>What the audit keeps of calls beyond who, what and how it ended.</summary>
public sealed record AuditTerms
{
    /// <summary>The most that is kept of one body, in bytes: a record must hold two, and everything else.</summary>
    public const int CopyBytesLimit = 16_384;

    /// <summary>Of which calls payload and answer are kept, masked, and the payload's digest.</summary>
    public AuditScope Copies { get; init; } = AuditScope.Strict;

    /// <summary>
    /// Whose answers carry a receipt, <c>Countersign-Receipt</c>, by which the caller can prove later that the call was
    /// logged. It costs a signature for each.
    /// </summary>
    public AuditScope Receipts { get; init; }

    /// <summary>How much of a payload is kept, in bytes; 0 to <see cref="CopyBytesLimit"/>.</summary>
    public int RequestCopyBytesMax { get; init; } = 4_096;

    /// <summary>How much of an answer is kept, in bytes; 0 to <see cref="CopyBytesLimit"/>.</summary>
    public int ResponseCopyBytesMax { get; init; } = 4_096;
}
