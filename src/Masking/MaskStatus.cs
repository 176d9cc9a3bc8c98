namespace Countersign.Masking;

/// <summary>How far a body is. Zero refuses.</summary>
public enum MaskStatus : byte
{
    /// <summary>Not JSON, or beyond a limit: nothing more may leave, and every later call says the same.</summary>
    Refused = 0,

    /// <summary>All input was taken; more may follow.</summary>
    NeedMore,

    /// <summary>The body ended as it should and is masked whole.</summary>
    Done,
}
