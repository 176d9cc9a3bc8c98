using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>What policy says of a call. Zero denies (STYLE rule 3).</summary>
public enum Effect : byte
{
    /// <summary>Refuse.</summary>
    Deny = 0,

    /// <summary>Pause until other people agree.</summary>
    Approve,

    /// <summary>Let through.</summary>
    Allow,
}

/// <summary>Why the effect is what it is. Zero is that nothing matched.</summary>
public enum DecisionCause : byte
{
    /// <summary>No rule matched; default deny.</summary>
    NothingMatched = 0,

    /// <summary>A rule decided; <see cref="Decision.Rule"/> names it.</summary>
    Rule,

    /// <summary>A static separation of duties: the caller holds conflicting groups.</summary>
    Separation,

    /// <summary>Let through though it would have been paused or denied: a rule, or the policy, is in observe.</summary>
    Observed,

    /// <summary>Not decided yet: conditions look at the call, which <see cref="Decision.For"/> takes.</summary>
    Conditional,

    /// <summary>The condition of <see cref="Decision.Rule"/> had no answer for the call.</summary>
    ConditionFailed,

    /// <summary>Conditions look at the arguments, which two parsers may read differently.</summary>
    ArgumentsAmbiguous,

    /// <summary>Conditions look at the arguments, which are not JSON or too many.</summary>
    ArgumentsUnreadable,

    /// <summary>The arguments are not what the function's schema says.</summary>
    ArgumentsMisfit,
}

/// <summary>One group of approvers and how many people of it must agree.</summary>
/// <param name="Groups">Membership in any of these qualifies.</param>
/// <param name="Count">How many different people, 1 to 16.</param>
public sealed record StageTerms(IReadOnlyList<string> Groups, int Count);

/// <summary>What it takes to get a paused call through.</summary>
/// <param name="Stages">All of them must be filled; one person fills one slot.</param>
/// <param name="DecideWithin">How long approvers have.</param>
/// <param name="UseWithin">How long the caller has after the last approval.</param>
/// <param name="Hold">How long a call is held open by default, waiting; zero answers 428 at once.</param>
/// <param name="ReasonRequired">The caller must send <c>Countersign-Reason</c>.</param>
public sealed record ApprovalTerms(
    IReadOnlyList<StageTerms> Stages, TimeSpan DecideWithin, TimeSpan UseWithin, TimeSpan Hold, bool ReasonRequired)
{
    /// <summary>
    /// Who may let a call through in an emergency, without its approvers: a person in a group of each list. Empty is
    /// nobody.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<string>> BreakGlass { get; init; } = [];
}

/// <summary>What happens to a value under a mask. Zero is the safest.</summary>
public enum MaskAction : byte
{
    /// <summary>The whole value becomes <c>"***"</c>.</summary>
    Redact = 0,

    /// <summary>The last four characters stay.</summary>
    KeepLast4,

    /// <summary>A token that is the same for the same value under the same key.</summary>
    Tokenize,

    /// <summary>Nothing of the value stays but that there was one.</summary>
    Null,

    /// <summary>The member or element goes with its name.</summary>
    Drop,
}

/// <summary>How the names of a mask are compared. Zero is what each notation usually means.</summary>
public enum MaskNames : byte
{
    /// <summary>Bare names without regard to ASCII case, the names of a path exactly.</summary>
    Usual = 0,

    /// <summary>Byte by byte.</summary>
    Exact,

    /// <summary>Without regard to ASCII case.</summary>
    IgnoreCase,

    /// <summary>Without regard to ASCII case nor to <c>_</c>, <c>-</c>, <c>.</c> and space.</summary>
    IgnoreSeparators,
}

/// <summary>One mask on a decision's response: of fields, detectors or headers, or more than one of these.</summary>
/// <param name="Id">Its name in the policy.</param>
/// <param name="Fields">Field names, or paths that begin with <c>$</c>.</param>
/// <param name="Action">What happens to a value.</param>
public sealed record MaskTerms(string Id, IReadOnlyList<string> Fields, MaskAction Action)
{
    /// <summary>Names of detectors, which find values by what they are.</summary>
    public IReadOnlyList<string> Detect { get; init; } = [];

    /// <summary>Names of response headers, in lower case.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>How field names are compared.</summary>
    public MaskNames Names { get; init; }

    /// <summary>The key of masks that make tokens and name none. Every gateway has it.</summary>
    public const string UsualKey = "default";

    /// <summary>
    /// The name of the key that tokens are made with; null unless the action is <see cref="MaskAction.Tokenize"/>. A
    /// gateway that has no key of this name redacts.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>True if a body that came under a content coding leaves under the same; else decoded.</summary>
    public bool KeepsEncoding { get; init; }
}

/// <summary>
/// What one policy snapshot says of one caller and one function. Immutable and shared; a caller's decisions are kept
/// with the snapshot they came from.
/// </summary>
/// <param name="Effect">Deny, approve or allow.</param>
/// <param name="Cause">Why.</param>
/// <param name="Rule">The id of the rule or separation that decided; empty when nothing matched. Several approve rules
/// are joined by a comma, in document order.</param>
/// <param name="Approval">For <see cref="Effect.Approve"/>: the terms of every approve rule that matched,
/// together.</param>
/// <param name="Masks">The masks on the response, in document order.</param>
public sealed record Decision(
    Effect Effect, DecisionCause Cause, string Rule, ApprovalTerms? Approval, IReadOnlyList<MaskTerms> Masks)
{
    /// <summary>
    /// What would have been decided if nothing were in observe; null where that is what is decided. The audit says
    /// both.
    /// </summary>
    public Decision? Observed { get; init; }

    /// <summary>True if it is only decided by <see cref="For"/>; until then it denies.</summary>
    public bool IsConditional => Plan is not null;

    /// <summary>True if <see cref="For"/> looks at the call's arguments, so that its body must be read first.</summary>
    public bool ReadsArguments => Plan is { ReadsArguments: true };

    /// <summary>What is left to be decided.</summary>
    internal ConditionPlan? Plan { get; init; }

    /// <summary>The decision for one call; this one where it does not depend on the call.</summary>
    /// <param name="facts">The call.</param>
    /// <param name="fault">What went wrong in a condition, without any of the call's content; empty if nothing
    /// did.</param>
    [HotPath]
    public Decision For(in CallFacts facts, out string fault)
    {
        fault = "";
        return Plan is null ? this : Plan.Decide(facts, out fault);
    }
}
