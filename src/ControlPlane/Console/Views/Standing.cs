using Countersign.ControlPlane.Approvals;
using Countersign.Policy;

namespace Countersign.ControlPlane.Console.Views;

/// <summary>Where the viewer stands towards an approval. Zero may do nothing.</summary>
public enum StandingKind : byte
{
    /// <summary>Not in a group that this takes.</summary>
    NotAsked = 0,

    /// <summary>May decide.</summary>
    MayDecide,

    /// <summary>Stands behind the call.</summary>
    OwnCall,

    /// <summary>Is no person, or not one who acts alone.</summary>
    NotAPerson,

    /// <summary>Holds groups that the policy separates.</summary>
    Separated,

    /// <summary>Has spoken already.</summary>
    Decided,

    /// <summary>It is settled, or its time is over.</summary>
    Settled,

    /// <summary>Signed in too long ago to act.</summary>
    SignedInLongAgo,
}

/// <summary>
/// What the viewer may do, told before they try. It is for the eyes alone: the store's own rules are asked again when
/// somebody decides.
/// </summary>
public sealed record Standing(StandingKind Kind, string Why)
{
    public bool MayDecide => Kind == StandingKind.MayDecide;

    /// <summary>The same for somebody whose sign-in is too old to act on.</summary>
    internal Standing For(bool mayAct) => mayAct || !MayDecide
        ? this
        : new(
            StandingKind.SignedInLongAgo,
            "You signed in too long ago for your groups to be taken as they were. Sign in again to decide.");

    /// <summary>Where <paramref name="viewer"/> stands.</summary>
    internal static Standing Of(ApprovalView approval, Caller viewer, PolicySnapshot? policy, DateTimeOffset now)
    {
        string[] theirs = [viewer.Subject, .. viewer.Chain];
        string[] askers = [approval.Subject, .. approval.Chain];
        if (Caller.ChainsMeet(theirs, askers))
        {
            return new(
                StandingKind.OwnCall,
                "You stand behind this call, so somebody else must decide. Nobody countersigns what they asked for, "
                + "whatever their role.");
        }

        bool isOver = !approval.IsPending || now >= approval.ExpiresAt;
        if (isOver) return new(StandingKind.Settled, "There is nothing left to decide.");
        if (!viewer.IsPerson)
            return new(StandingKind.NotAPerson, "Only a person, acting for themselves, may decide.");
        bool isAsked = approval.Stages.Any(stage => stage.Groups.Any(viewer.IsIn));
        if (!isAsked)
        {
            string groups = string.Join(", ", approval.Stages.SelectMany(stage => stage.Groups).Distinct());
            return new(StandingKind.NotAsked, "You are in none of the groups that may decide: " + groups + ".");
        }

        bool hasDecided = approval.Stages.Any(
            stage => stage.Decisions.Any(said => said.Approver == viewer.Subject));
        if (hasDecided) return new(StandingKind.Decided, "You have decided already; everybody counts once.");
        return policy is not null && ApprovalVisibility.HoldsConflictingGroups(policy, viewer)
            ? new(StandingKind.Separated, "You hold groups that the policy separates, so you may not act here.")
            : new(StandingKind.MayDecide, "");
    }
}
