namespace Countersign.Policy.Approvals;

/// <summary>Why a move of an approval is refused. Zero refuses (STYLE rule 3).</summary>
public enum MoveRefusal : byte
{
    /// <summary>The approval's state has no such move; for a claim, it is still pending.</summary>
    NotPossible = 0,

    /// <summary>Not refused: <see cref="MoveOutcome.Next"/> is the approval to swap in.</summary>
    Moved,

    /// <summary>Not a person, or in no group of any stage; for a revocation, not one who approved.</summary>
    NotAnApprover,

    /// <summary>The approver shares a person with the requester or with somebody who has decided already.</summary>
    DutyConflict,

    /// <summary>The digest or the function is not the one that was asked for.</summary>
    DigestMismatch,

    /// <summary>It has been approved, claimed or carried out already.</summary>
    Settled,

    /// <summary>Its window has closed.</summary>
    Expired,

    /// <summary>It was denied, cancelled or revoked.</summary>
    Denied,

    /// <summary>The caller is not who asked, or does not act for the same people.</summary>
    NotTheRequester,

    /// <summary>This person has decided already; everybody counts once.</summary>
    AlreadyDecided,

    /// <summary>Every stage that this person qualifies for is filled, and no earlier approver can make room.</summary>
    StageFilled,

    /// <summary>Not a person in the groups that may break this glass; or there is none to break.</summary>
    NotAllowed,

    /// <summary>No glass was broken, or its review is closed already.</summary>
    NothingOwed,
}

/// <summary>What came of a move.</summary>
/// <param name="Refusal"><see cref="MoveRefusal.Moved"/>, or why not.</param>
/// <param name="Next">The approval to swap in; set only when moved.</param>
public readonly record struct MoveOutcome(MoveRefusal Refusal, Approval? Next)
{
    /// <summary>True when there is an approval to swap in.</summary>
    public bool IsMoved => Refusal == MoveRefusal.Moved;
}

/// <summary>How far one stage is.</summary>
/// <param name="Stage">Its place, from 0.</param>
/// <param name="Filled">How many different people have approved in it, 0 to <paramref name="Count"/>.</param>
/// <param name="Count">How many it takes.</param>
public readonly record struct StageProgress(int Stage, int Filled, int Count)
{
    /// <summary>True when nobody more is needed.</summary>
    public bool IsFilled => Count > 0 && Filled >= Count;
}
