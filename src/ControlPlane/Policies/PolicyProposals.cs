using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Policies;

/// <summary>How a change of policy that somebody approved ended. Zero is that nobody knows.</summary>
internal enum ProposalEnd : byte
{
    /// <summary>The store did not confirm it; it is tried again.</summary>
    Unknown = 0,

    /// <summary>The version is in force.</summary>
    InForce,

    /// <summary>Another version is in force than the one that was compared: the approval is void.</summary>
    Void,

    /// <summary>Another gateway, or another act, has ended it.</summary>
    Gone,
}

/// <summary>
/// Changes of policy that another person must approve (decision 0039). A new version is stored and waits; the approval
/// is of exactly this version over exactly the one that was in force, and one atomic step spends it and puts the
/// version in force. What is approved and not yet in force, as after a crash, is found again by looking every few
/// seconds.
/// </summary>
internal sealed partial class PolicyProposals : IAsyncDisposable
{
    /// <summary>Functions of the gateway's own; no policy can define one.</summary>
    public const string FunctionPrefix = "countersign.";

    private const string PublishFunction = FunctionPrefix + "policy.publish";
    private const string ActivateFunction = FunctionPrefix + "policy.activate";
    private const string Resuming = "?resume=true";
    private const int Page = 100;
    private const int PagesMax = 10;

    // What waits is told before what was denied earlier.
    private static readonly ApprovalState[] Told =
        [ApprovalState.Pending, ApprovalState.Approved, ApprovalState.Denied];

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly ControlPlaneServices _services;
    private readonly ControlPlaneOptions _options;
    private readonly ActLog _acts;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private Task _looking = Task.CompletedTask;

    public PolicyProposals(
        ControlPlaneServices services, ControlPlaneOptions options, ActLog acts, TimeProvider clock, ILogger logger)
    {
        _services = services;
        _options = options;
        _acts = acts;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>True if a change over this version needs another person. The first version of all has nobody to look at
    /// it: approvers are known to a policy in force alone.</summary>
    public bool Governs(PolicyMark mark) => _options.PolicyApprovers.Count > 0 && mark.Current > 0;

    /// <summary>True for an approval of a change of policy.</summary>
    public static bool IsProposal(Approval approval) =>
        approval.Function.StartsWith(FunctionPrefix, StringComparison.Ordinal);

    /// <summary>What became of the proposals of those versions of a page that were never in force: pending, approved or
    /// denied. One whose approval is forgotten, or whose store does not answer, is left out.</summary>
    public async ValueTask<IReadOnlyDictionary<long, ApprovalState>> StatesAsync(PolicyHistory history)
    {
        Dictionary<long, ApprovalState> states = [];
        HashSet<long> open =
            [.. history.Items.Where(item => item.WasInForce != true).Select(item => item.Version)];
        if (_options.PolicyApprovers.Count == 0 || open.Count == 0) return states;
        foreach (ApprovalState state in Told)
        {
            string? cursor = null;
            for (int page = 0; page < PagesMax; page++)
            {
                StoreResult<ApprovalPage> found = await _services.Approvals.ListAsync(state, Page, cursor, IsProposal);
                foreach (Approval approval in found.Value?.Items ?? [])
                {
                    if (TryVersion(approval, out long version) && open.Contains(version))
                        states.TryAdd(version, state);
                }

                cursor = found.Value?.Next;
                if (cursor is null) break;
            }
        }

        return states;
    }

    /// <summary>Begins to look for what was approved and is not in force.</summary>
    public void Start()
    {
        if (_options.PolicyApprovers.Count > 0) _looking = Task.Run(LookAsync);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _looking;
        _stopping.Dispose();
    }

    /// <summary>Asks for the approval of putting a stored version in force; joins one that waits for it. Going on from
    /// a store that has lost changes is part of what is approved, and of what is shown.</summary>
    public async ValueTask<StoreResult<Approval>> AskAsync(
        Caller author, StoredPolicy target, bool isNew, PolicyMark mark, string reason, bool resumes)
    {
        StoreResult<StoredPolicy> running = await _services.Policies.GetAsync(mark.Current);
        if (!running.IsOk) return new(running.Status, null);
        DateTimeOffset now = _clock.GetUtcNow();
        Approval draft = new()
        {
            Id = Guid.CreateVersion7(now).ToString("D"),
            Version = 1,
            State = ApprovalState.Pending,
            Function = isNew ? PublishFunction : ActivateFunction,
            Risk = Risk.Critical,
            Method = "POST",
            Target = string.Create(CultureInfo.InvariantCulture, $"/api/v1/policies/{target.Version}/activate")
                + (resumes ? Resuming : ""),
            ContentType = "application/json",
            Requester = Requester.Of(author),
            Reason = reason,
            Digest = DigestOf(author, running.Value!, target, resumes),
            Rule = "policy.approvers",
            Stages = [new StageTerms(_options.PolicyApprovers, 1)],
            Decisions = [],
            CreatedAt = now,
            ExpiresAt = now + _options.PolicyDecideWithin,
            UseWithin = ControlPlaneLimits.ProposalUseWithin,
            PolicyVersion = mark.Current,
            Call = Guid.CreateVersion7(now).ToString("D"),
        };
        byte[] payload = CallPayload.Write([], Describe(running.Value!, target, resumes));
        return await _services.Approvals.AskAsync(
            draft, _services.Seal.Seal(CallPayload.SealName(draft.Id), payload));
    }

    /// <summary>Puts in force what was approved, if it is still what was approved.</summary>
    public async ValueTask<ProposalEnd> SettleAsync(Approval approved)
    {
        if (!TryVersion(approved, out long version)) return ProposalEnd.Gone;
        StoreResult<StoredPolicy> target = await _services.Policies.GetAsync(version);
        StoreResult<StoredPolicy> running = await _services.Policies.GetAsync(approved.PolicyVersion);
        bool isAway = target.Status == StoreStatus.Unavailable || running.Status == StoreStatus.Unavailable;
        if (isAway) return ProposalEnd.Unknown;
        Requester asked = approved.Requester;
        Caller author = new(asked.Issuer, asked.Subject, asked.Kind, asked.Groups, asked.Chain, asked.Tenant)
        {
            IsDelegated = asked.Actor.Length > 0,
            Actor = asked.Actor,
        };
        bool resumes = approved.Target.EndsWith(Resuming, StringComparison.Ordinal);
        bool isExact = target.IsOk && running.IsOk
            && DigestOf(author, running.Value!, target.Value!, resumes) == approved.Digest;
        using AuditedAct act = _acts.Begin(
            author, ActWords.Activate, "policy/" + version.ToString(CultureInfo.InvariantCulture),
            "approval " + approved.Id);
        if (!await act.TryIntendAsync()) return ProposalEnd.Unknown;
        if (!isExact) return await VoidAsync(approved, act);
        (bool answered, PolicyMark? lost) = await LostAsync();
        if (!answered)
        {
            act.Fail("the store did not answer");
            return ProposalEnd.Unknown;
        }

        // A store that lost changes since it was asked, or got back what it had lost, is not what was looked at.
        if (lost is null == resumes) return await VoidAsync(approved, act);
        Approval executed = approved with { State = ApprovalState.Executed, Version = approved.Version + 1 };
        StoreStatus status = await _services.Policies.ActivateApprovedAsync(
            approved, executed, target.Value!, lost);
        switch (status)
        {
            case StoreStatus.Ok:
                act.Succeed("approved and in force");
                return ProposalEnd.InForce;
            case StoreStatus.Conflict:
                return await VoidAsync(approved, act);
            case StoreStatus.NotFound or StoreStatus.Lapsed:
                act.Fail("ended elsewhere");
                return ProposalEnd.Gone;
            default:
                act.Fail("the store did not confirm it");
                return ProposalEnd.Unknown;
        }
    }

    private async ValueTask<(bool Answered, PolicyMark? Lost)> LostAsync() =>
        await _services.Policies.MarkAsync() is { } mark
            ? await PolicyLosses.LostAsync(_services, mark) : (false, null);

    private async ValueTask<ProposalEnd> VoidAsync(Approval approved, AuditedAct act)
    {
        MoveOutcome move = ApprovalRules.Void(approved);
        if (move.IsMoved) await _services.Approvals.MoveAsync(approved, move.Next!);
        act.Fail("the store's policy is not the one that was compared");
        return ProposalEnd.Void;
    }

    private async Task LookAsync()
    {
        using PeriodicTimer timer = new(LookEvery, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token)) await LookOnceAsync();
        }
        catch (OperationCanceledException)
        {
            // The listener stops.
        }
    }

    private async ValueTask LookOnceAsync()
    {
        try
        {
            StoreResult<ApprovalPage> page = await _services.Approvals.ListAsync(
                ApprovalState.Approved, Page, null, IsProposal);
            foreach (Approval approved in page.Value?.Items ?? []) await SettleAsync(approved);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            LookFailed(_logger, fault);
        }
    }

    /// <summary>The version that a proposal puts in force; false for an approval of anything else.</summary>
    public static bool TryVersion(Approval approval, out long version)
    {
        string[] steps = approval.Target.Split('/');
        version = 0;
        return IsProposal(approval) && steps.Length == 6
            && long.TryParse(steps[4], NumberStyles.None, CultureInfo.InvariantCulture, out version);
    }

    // Every part is preceded by its length, so that no two changes have one digest.
    private static string DigestOf(Caller author, StoredPolicy running, StoredPolicy target, bool resumes)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "countersign policy proposal v1");
        Append(hash, author.Tenant);
        Append(hash, author.Issuer);
        Append(hash, author.Subject);
        foreach (string person in author.Chain) Append(hash, person);
        Append(hash, running.Version.ToString(CultureInfo.InvariantCulture));
        Append(hash, running.Sha256);
        Append(hash, target.Version.ToString(CultureInfo.InvariantCulture));
        Append(hash, RedisPolicyStore.HashOf(target.Document));
        Append(hash, RedisPolicyStore.HashOf(target.Source));
        if (resumes) Append(hash, Resuming);
        return CallDigest.Prefix + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string part)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(part);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }

    /// <summary>What approvers are shown: which versions, and what the change means.</summary>
    private static byte[] Describe(StoredPolicy running, StoredPolicy target, bool resumes)
    {
        ArrayBufferWriter<byte> body = new(1_024);
        using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            WriteVersion(json, "in_force", running);
            WriteVersion(json, "proposed", target);
            if (resumes) json.WriteBoolean("resumes", true);
            json.WritePropertyName("diff");
            ProposalDiff.Write(json, running.Document, target.Document);
            json.WriteEndObject();
        }

        return body.WrittenSpan.ToArray();
    }

    private static void WriteVersion(Utf8JsonWriter json, string name, StoredPolicy policy)
    {
        json.WriteStartObject(name);
        json.WriteNumber("version", policy.Version);
        json.WriteString("sha256", policy.Sha256);
        json.WriteString("author", policy.Author);
        json.WriteEndObject();
    }

    [LoggerMessage(EventId = 60, Level = LogLevel.Error, Message = "Looking for approved changes of policy failed")]
    private static partial void LookFailed(ILogger logger, Exception fault);
}
