namespace Countersign.Audit;

/// <summary>Turns what a cursor stopped at into a finding.</summary>
internal static class FrameDamage
{
    internal static AuditDamage Describe(FrameStatus status, LogCursor cursor)
    {
        (AuditDamageKind kind, string message) = status switch
        {
            FrameStatus.CrcMismatch => (AuditDamageKind.CrcMismatch, "the entry does not match its CRC-32C"),
            FrameStatus.LengthInvalid => (AuditDamageKind.LengthInvalid, "the frame states an impossible length"),
            FrameStatus.Truncated => (AuditDamageKind.Truncated, "the frame ends beyond the end of its segment"),
            FrameStatus.Missing => (AuditDamageKind.Missing, "no segment continues with this entry"),
            FrameStatus.End => (AuditDamageKind.RolledBack, "the segments end before this entry"),
            FrameStatus.Ok or FrameStatus.Damaged or _ => (AuditDamageKind.Unreadable, "the segment cannot be read"),
        };
        return new AuditDamage(kind, cursor.Index, cursor.File, cursor.Offset, message);
    }
}
