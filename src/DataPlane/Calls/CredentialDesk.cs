using Countersign.DataPlane.Http;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>Lends what the upstream sees instead of the caller's token (DESIGN section 8).</summary>
internal sealed class CredentialDesk(CredentialIssuer issuer, string start, TimeProvider clock)
{
    // Enough for a chain of a dozen people; a longer one doubles it until it fits.
    private const int CredentialBytes = 2_048;
    private const int CredentialBytesMax = 65_536;

    /// <summary>Writes the credential into the call; it is wiped when the call ends.</summary>
    [HotPath]
    internal Verdict Lend(CallContext call)
    {
        CredentialTerms terms = call.Function!.Upstream.Credential;
        if (terms.Broker == CredentialBroker.None) return Verdict.Proceed;
        bool mayReuse = terms.Reuse > TimeSpan.Zero && call.Function.Risk == Risk.Low;
        return mayReuse ? Reuse(call, terms) : Write(call, terms, start);
    }

    // The policy says so, the risk is low, and nobody had to agree: one credential serves this caller and function for
    // a while.
    private Verdict Reuse(CallContext call, CredentialTerms terms)
    {
        LentCredentials lent = LentCredentials.Of(call.Decision!);
        long now = clock.GetTimestamp();
        if (lent.TryCopy(now, call.Credential, out string? id))
        {
            call.CredentialId = id;
            return Verdict.Proceed;
        }

        Verdict written = Write(call, terms, gateway: "");
        long until = now + (long)(terms.Reuse.TotalSeconds * clock.TimestampFrequency);
        if (written == Verdict.Proceed) lent.Keep(call.Credential.Written, call.CredentialId!, until);
        return written;
    }

    private Verdict Write(CallContext call, CredentialTerms terms, string gateway)
    {
        LentTerms lent = new()
        {
            Audience = terms.Audience,
            Function = call.Function!.Id,
            Caller = call.Caller!,
            Call = call.Id,
            TimeToLive = terms.TimeToLive,
            Gateway = gateway,
            Digest = call.Digest,
            Approval = call.IsClaimed ? call.Approval!.Id : null,
            Approvers = call.IsClaimed ? ApproversOf(call.Approval!) : null,
        };
        LeasedBuffer credential = call.Credential;
        WireText.Put(credential, "Bearer "u8);
        for (int size = CredentialBytes; size <= CredentialBytesMax; size *= 2)
        {
            int count = issuer.Write(lent, credential.GetSpan(size));
            if (count == 0) continue;
            credential.Advance(count);
            if (gateway.Length > 0) call.Lent.Begin(call.Id);
            call.CredentialId = call.IdString();
            return Verdict.Proceed;
        }

        call.AuditDetail = "The lent credential would be too large.";
        return Verdict.Fault;
    }

    internal static IReadOnlyList<string> ApproversOf(Approval approval)
    {
        List<string> approvers = [];
        foreach (ApprovalDecision decision in approval.Decisions)
        {
            if (decision.Approve) approvers.Add(decision.Approver);
        }

        return approvers;
    }
}
