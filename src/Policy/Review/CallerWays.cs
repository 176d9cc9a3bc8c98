using Countersign.Policy.Approvals;

namespace Countersign.Policy.Review;

/// <summary>One way a call may go: the rules that decide it, and the stages it then takes; none is alone.</summary>
internal sealed record Way(IReadOnlyList<Rule> Rules, IReadOnlyList<StageTerms> Stages)
{
    /// <summary>Who may break its glass: somebody in a group of each list; nobody where there is none.</summary>
    public IReadOnlyList<IReadOnlyList<string>> BreakGlass =>
        Stages.Count > 0 && Rules.All(rule => rule.Approval is { BreakGlass.Count: > 0 })
            ? [.. Rules.SelectMany(rule => rule.Approval!.BreakGlass)] : [];
}

/// <summary>What callers of a directory may meet under one policy, at best.</summary>
internal sealed class CallerWays(PolicySnapshot policy)
{
    /// <summary>
    /// The ways of a caller and a function. Conditions may come out as the caller likes, so conditional denials and
    /// stages are not counted on. None where the caller is denied whatever the call is.
    /// </summary>
    public IReadOnlyList<Way> Of(Caller caller, Function function)
    {
        if (policy.HoldsConflict(caller)) return [];
        List<Rule> matching = policy.Matching(caller, function);
        List<Rule> enforced = [.. matching.Where(rule => rule.Mode == PolicyMode.Enforce)];
        if (enforced.Exists(rule => rule.Effect == Effect.Deny && !rule.IsConditional)) return [];
        List<Rule> always = [.. enforced.Where(rule => rule.Effect == Effect.Approve && !rule.IsConditional)];
        if (always.Count > 0) return [new Way(always, [.. always.SelectMany(rule => rule.Approval!.Stages)])];
        List<Rule> free = [.. matching.Where(rule => rule.Effect == Effect.Allow
            || (rule.Effect == Effect.Approve && rule.Mode == PolicyMode.Observe))];
        if (free.Count > 0) return [new Way(free, [])];
        return [.. enforced.Where(rule => rule.Effect == Effect.Approve)
            .Select(rule => new Way([rule], rule.Approval!.Stages))];
    }

    /// <summary>A person, acting directly, to whom no static separation denies everything.</summary>
    public bool IsApprover(DirectoryAccount account) =>
        account.Caller.IsPerson && !policy.HoldsConflict(account.Caller);

    /// <summary>True if the account holds a group of a stage.</summary>
    public bool CanApprove(DirectoryAccount account, IReadOnlyList<StageTerms> stages) =>
        IsApprover(account) && StageMatching.QualifiesFor(stages, account.Caller).Count > 0;

    /// <summary>True if the gateway sees that the two are one person, or act for one.</summary>
    public static bool AreLinked(Caller left, Caller right) =>
        Caller.ChainsMeet([left.Subject, .. left.Chain], [right.Subject, .. right.Chain]);
}
