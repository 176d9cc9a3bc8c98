using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policy.Approvals;

/// <summary>
/// An approval as the store keeps it: versioned JSON, read strictly. A form of its own, so that neither a renamed
/// property nor a change of the API can make a stored approval unreadable, or readable as something else.
/// </summary>
public static class ApprovalCodec
{
    /// <summary>The form that is written, where there are no duties.</summary>
    public const int Version = 2;

    // With duties. Gateways that know none must not read it: they would claim without writing history.
    private const int VersionWithDuties = 3;

    // Asked by who acts for another, with duties or without. Gateways that know no actors must not read it: to them
    // any agent of a person would be any other.
    private const int VersionWithActor = 4;

    // Without what came with form 2. A fleet that is upgraded has approvals of it.
    private const int VersionBefore = 1;

    /// <summary>The approval as UTF-8 JSON.</summary>
    public static byte[] Write(Approval approval)
    {
        ArgumentNullException.ThrowIfNull(approval);
        Requester requester = approval.Requester;
        var stages = new StoredStage[approval.Stages.Count];
        for (int stage = 0; stage < stages.Length; stage++)
            stages[stage] = new StoredStage([.. approval.Stages[stage].Groups], approval.Stages[stage].Count);
        var decisions = new StoredDecision[approval.Decisions.Count];
        for (int index = 0; index < decisions.Length; index++)
        {
            ApprovalDecision said = approval.Decisions[index];
            decisions[index] = new StoredDecision(
                said.Issuer, said.Approver, [.. said.Chain], said.Stage, said.Approve, said.Reason, said.At,
                [.. said.Qualifies]);
        }

        var stored = new StoredApproval(
            requester.Actor.Length > 0 ? VersionWithActor : approval.Duties.Count > 0 ? VersionWithDuties : Version,
            approval.Id, approval.Version, ApprovalStates.NameOf(approval.State), approval.Function,
            (byte)approval.Risk, approval.Method, approval.Target, approval.ContentType,
            new StoredRequester(
                requester.Issuer, requester.Subject, (byte)requester.Kind, [.. requester.Groups], [.. requester.Chain],
                requester.Tenant, requester.Actor.Length > 0 ? requester.Actor : null),
            approval.Reason, approval.Digest, approval.Rule, stages, decisions, approval.CreatedAt, approval.ExpiresAt,
            approval.UseWithin.Ticks, approval.PolicyVersion, approval.Call,
            approval.Claimant, [.. approval.BreakGlass.Select(groups => groups.ToArray())], Stored(approval.Broken),
            Stored(approval.Review), Stored(approval.Duties));
        return JsonSerializer.SerializeToUtf8Bytes(stored, StoredApprovals.Default.StoredApproval);
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote. Null for anything else: another version, a member missing, unknown or
    /// twice, a value out of range.
    /// </summary>
    public static Approval? Read(ReadOnlySpan<byte> json)
    {
        StoredApproval? stored;
        try
        {
            stored = JsonSerializer.Deserialize(json, StoredApprovals.Default.StoredApproval);
        }
        catch (JsonException)
        {
            return null;
        }

        if (stored is null || !IsInRange(stored)) return null;
        StoredRequester requester = stored.Requester;
        return new Approval
        {
            Id = stored.Id,
            Version = stored.Move,
            State = ApprovalStates.Named(stored.State),
            Function = stored.Function,
            Risk = (Risk)stored.Risk,
            Method = stored.Method,
            Target = stored.Target,
            ContentType = stored.ContentType,
            Requester = new Requester(
                requester.Issuer, requester.Subject, (CallerKind)requester.Kind, requester.Groups, requester.Chain,
                requester.Tenant)
            {
                Actor = requester.Actor ?? "",
            },
            Reason = stored.Reason,
            Digest = stored.Digest,
            Rule = stored.Rule,
            Stages = Array.ConvertAll(stored.Stages, stage => new StageTerms(stage.Groups, stage.Count)),
            Decisions = Array.ConvertAll(
                stored.Decisions,
                said => new ApprovalDecision(
                    said.Issuer, said.Approver, said.Chain, said.Stage, said.Approve, said.Reason, said.At)
                {
                    Qualifies = said.Qualifies,
                }),
            CreatedAt = stored.CreatedAt,
            ExpiresAt = stored.ExpiresAt,
            UseWithin = new TimeSpan(stored.UseWithinTicks),
            PolicyVersion = stored.PolicyVersion,
            Call = stored.Call,
            Claimant = stored.Claimant ?? "",
            BreakGlass = stored.BreakGlass ?? [],
            Broken = Kept(stored.Broken),
            Review = Kept(stored.Review),
            Duties = Array.ConvertAll(
                stored.Duties ?? [], one => new Duty(one.Separation, one.Key, new TimeSpan(one.WindowTicks))),
        };
    }

    private static StoredAct? Stored(ApprovalAct? act) =>
        act is null ? null : new StoredAct(act.Issuer, act.Subject, [.. act.Chain], act.Reason, act.At);

    private static ApprovalAct? Kept(StoredAct? act) =>
        act is null ? null : new ApprovalAct(act.Issuer, act.Subject, act.Chain, act.Reason, act.At);

    private static StoredDuty[]? Stored(IReadOnlyList<Duty> duties) => duties.Count == 0
        ? null
        : [.. duties.Select(one => new StoredDuty(one.Separation, one.Key, one.Window.Ticks))];

    private static bool IsInRange(StoredApproval stored)
    {
        bool isKnown = stored.V is Version or VersionBefore or VersionWithDuties or VersionWithActor;
        if (!isKnown || HasOtherForm(stored)) return false;
        if (stored.Move < 1 || stored.Id.Length == 0 || stored.UseWithinTicks < 0) return false;
        if (ApprovalStates.Named(stored.State) == ApprovalState.None) return false;
        if (!Enum.IsDefined((Risk)stored.Risk) || !Enum.IsDefined((CallerKind)stored.Requester.Kind)) return false;
        if (Array.Exists(stored.Stages, stage => stage is null || stage.Count < 1 || HasNull(stage.Groups)))
            return false;
        if (HasNull(stored.Requester.Groups) || HasNull(stored.Requester.Chain)) return false;
        return !Array.Exists(
            stored.Decisions,
            said => said is null || HasNull(said.Chain) || said.Stage < -1 || said.Stage >= stored.Stages.Length ||
                said.Approve == (said.Stage < 0) ||
                Array.Exists(said.Qualifies, stage => stage < 0 || stage >= stored.Stages.Length));
    }

    private static bool HasOtherForm(StoredApproval stored)
    {
        bool hasActor = stored.Requester.Actor is { Length: > 0 };
        if ((stored.V == VersionWithActor) != hasActor || (stored.Requester.Actor is "")) return true;
        if (!hasActor && (stored.V == VersionWithDuties) != (stored.Duties is { Length: > 0 })) return true;
        if (stored.Duties is { Length: 0 }) return true;
        if (stored.Duties is not null && Array.Exists(stored.Duties, one => one is null || one.WindowTicks <= 0))
            return true;
        if (stored.V == VersionBefore)
        {
            return stored.Claimant is not null || stored.BreakGlass is not null || stored.Broken is not null
                || stored.Review is not null;
        }

        if (stored.Claimant is null || stored.BreakGlass is null) return true;
        return Array.Exists(stored.BreakGlass, groups => groups is null || groups.Length == 0 || HasNull(groups))
            || (stored.Broken is { } broken && HasNull(broken.Chain))
            || (stored.Review is { } review && (stored.Broken is null || HasNull(review.Chain)));
    }

    private static bool HasNull(string[] words) => Array.IndexOf(words, null) >= 0;
}

/// <summary>
/// Form 4; form 3 without an actor, form 2 without duties too, and form 1 without what stands last of it. Properties
/// are added only with a new form.
/// </summary>
internal sealed record StoredApproval(
    int V, string Id, long Move, string State, string Function, byte Risk, string Method, string Target,
    string ContentType, StoredRequester Requester, string Reason, string Digest, string Rule, StoredStage[] Stages,
    StoredDecision[] Decisions, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, long UseWithinTicks,
    long PolicyVersion, string Call, string? Claimant = null, string[][]? BreakGlass = null, StoredAct? Broken = null,
    StoredAct? Review = null, StoredDuty[]? Duties = null);

/// <summary>What a dynamic separation says of the call.</summary>
internal sealed record StoredDuty(string Separation, string Key, long WindowTicks);

/// <summary>Who broke the glass, or reviewed it.</summary>
internal sealed record StoredAct(string Issuer, string Subject, string[] Chain, string Reason, DateTimeOffset At);

/// <summary>Who asks.</summary>
internal sealed record StoredRequester(
    string Issuer, string Subject, byte Kind, string[] Groups, string[] Chain, string Tenant,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Actor = null);

/// <summary>One stage.</summary>
internal sealed record StoredStage(string[] Groups, int Count);

/// <summary>One decision.</summary>
internal sealed record StoredDecision(
    string Issuer, string Approver, string[] Chain, int Stage, bool Approve, string Reason, DateTimeOffset At,
    int[] Qualifies);

/// <summary>The strict reader and writer of both forms.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.General,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(StoredApproval))]
internal sealed partial class StoredApprovals : JsonSerializerContext;
