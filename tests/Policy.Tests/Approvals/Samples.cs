using Countersign.Policy.Approvals;

namespace Countersign.Policy.Tests.Approvals;

/// <summary>
/// People and an approval to test with: an agent of ann's asks, two stages, fifteen minutes to decide.
/// </summary>
internal static class Samples
{
    public const string Issuer = "https://issuer.test";
    public const string Digest = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static Caller Agent { get; } = new(Issuer, "robot", CallerKind.Agent, ["agents"], ["ann"], "acme");

    public static Caller Person(string subject, params string[] groups) =>
        new(Issuer, subject, CallerKind.Human, groups, [subject], "acme");

    public static Approval Pending(params StageTerms[] stages) => new()
    {
        Id = "01890000-0000-7000-8000-000000000001",
        Version = 1,
        State = ApprovalState.Pending,
        Function = "billing.reset",
        Risk = Risk.Critical,
        Method = "POST",
        Target = "/billing/7/reset",
        ContentType = "application/json",
        Requester = new Requester(Issuer, "robot", CallerKind.Agent, ["agents"], ["ann"], "acme"),
        Reason = "the books are wrong",
        Digest = Digest,
        Rule = "big-money",
        Stages = stages.Length > 0 ? stages : [new(["finance"], 1), new(["sre"], 1)],
        Decisions = [],
        CreatedAt = Now,
        ExpiresAt = Now.AddMinutes(15),
        UseWithin = TimeSpan.FromMinutes(5),
        PolicyVersion = 3,
        Call = "01890000-0000-7000-8000-0000000000aa",
    };

    public static MoveOutcome Approve(Approval approval, Caller approver) =>
        ApprovalRules.Decide(approval, approver, approve: true, Digest, "fine", Now.AddMinutes(1));

    public static Approval Approved()
    {
        Approval half = Approve(Pending(), Person("fay", "finance")).Next!;
        return Approve(half, Person("sam", "sre")).Next!;
    }
}
