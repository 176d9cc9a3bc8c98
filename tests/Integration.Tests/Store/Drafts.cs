using System.Security.Cryptography;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Integration.Tests.Store;

/// <summary>Approvals to file, each with an id and a digest of its own.</summary>
internal static class Drafts
{
    private static readonly TimeProvider Clock = TimeProvider.System;

    public static Caller Agent { get; } =
        new("https://issuer.test", "robot", CallerKind.Agent, ["agents"], ["ann"], "acme");

    /// <summary>An agent with ann's token.</summary>
    public static Caller Acting(string agent) =>
        new("https://issuer.test", "ann", CallerKind.Agent, ["agents"], ["ann"], "acme")
        {
            IsDelegated = true,
            Actor = "https://issuer.test\n" + agent,
        };

    public static MoveOutcome Claim(Approval approval, Caller caller) =>
        ApprovalRules.Claim(approval, caller, approval.Function, approval.Digest, Clock.GetUtcNow());

    public static Caller Person(string subject, long issuedAt, params string[] groups) =>
        new("https://issuer.test", subject, CallerKind.Human, groups, [subject], "acme") { IssuedAt = issuedAt };

    public static Approval New(string? digest = null, TimeSpan? decideWithin = null, DateTimeOffset? createdAt = null)
    {
        DateTimeOffset now = Clock.GetUtcNow();
        return new Approval
        {
            Id = Guid.CreateVersion7(now).ToString(),
            Version = 1,
            State = ApprovalState.Pending,
            Function = "billing.reset",
            Risk = Risk.High,
            Method = "POST",
            Target = "/billing/7/reset",
            ContentType = "application/json",
            Requester = new Requester(
                Agent.Issuer, Agent.Subject, Agent.Kind, Agent.Groups, Agent.Chain, Agent.Tenant),
            Reason = "why not",
            Digest = digest ?? "sha256:" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)),
            Rule = "big-money",
            Stages = [new(["finance"], 1)],
            Decisions = [],
            CreatedAt = createdAt ?? now,
            ExpiresAt = now + (decideWithin ?? TimeSpan.FromMinutes(10)),
            UseWithin = decideWithin is null ? TimeSpan.FromMinutes(5) : TimeSpan.Zero,
            PolicyVersion = 1,
            Call = Guid.CreateVersion7(now).ToString(),
        };
    }

    public static Approval Decided(Approval approval, bool approve, string by = "fay")
    {
        var approver = new Caller("https://issuer.test", by, CallerKind.Human, ["finance"], [by], "acme");
        return ApprovalRules.Decide(approval, approver, approve, approval.Digest, "", Clock.GetUtcNow()).Next!;
    }

    public static Approval Claimed(Approval approval, string call) =>
        ApprovalRules.Claim(approval, Agent, approval.Function, approval.Digest, Clock.GetUtcNow(), call).Next!;

    public static Approval Cancelled(Approval approval) =>
        ApprovalRules.Cancel(approval, Agent, Clock.GetUtcNow()).Next!;
}
