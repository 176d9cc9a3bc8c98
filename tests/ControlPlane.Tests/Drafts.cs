using System.Security.Cryptography;
using System.Text;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Tests;

/// <summary>Approvals of a CI job that dave started; finance and sre must agree.</summary>
internal static class Drafts
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static Caller Job { get; } = new(TestIssuer.Issuer, "deploy-bot", CallerKind.Ci, ["ci"], ["dave"]);

    public static Caller Person(string subject, params string[] groups) =>
        new(TestIssuer.Issuer, subject, CallerKind.Human, groups, [subject]);

    public static string DigestOf(string id) =>
        "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(id)));

    public static Approval New(DateTimeOffset? at = null)
    {
        DateTimeOffset now = at ?? Now;
        string id = Guid.CreateVersion7(now).ToString("D");
        return new Approval
        {
            Id = id,
            Version = 1,
            State = ApprovalState.Pending,
            Function = "billing.reset",
            Risk = Risk.Critical,
            Method = "POST",
            Target = "/billing/7/reset",
            ContentType = "application/json",
            Requester = new Requester(Job.Issuer, Job.Subject, Job.Kind, Job.Groups, Job.Chain, Job.Tenant),
            Reason = "month end",
            Digest = DigestOf(id),
            Rule = "big-money",
            Stages = [new StageTerms(["finance"], 1), new StageTerms(["sre"], 1)],
            Decisions = [],
            CreatedAt = now,
            ExpiresAt = now.AddMinutes(15),
            UseWithin = TimeSpan.FromMinutes(5),
            PolicyVersion = 7,
            Call = Guid.CreateVersion7(now).ToString("D"),
        };
    }
}
