using Countersign.DataPlane.Http;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>Lends what the upstream sees instead of the caller's token (DESIGN section 8).</summary>
internal sealed class CredentialDesk(
    CredentialIssuer issuer, CredentialBrokers? brokers, Limits limits, string start, TimeProvider clock)
{
    // Enough for a chain of a dozen people; a longer one doubles it until it fits.
    private const int CredentialBytes = 2_048;
    private const int CredentialBytesMax = 65_536;

    /// <summary>Writes the credential into the call; it is wiped when the call ends. Waits only for a broker that is
    /// not this process.</summary>
    [HotPath]
    internal ValueTask<Verdict> LendAsync(CallContext call)
    {
        CredentialTerms terms = call.Function!.Upstream.Credential;
        if (terms.Broker == CredentialBroker.None) return new(Verdict.Proceed);
        if (terms.Broker != CredentialBroker.Jwt) return BrokerAsync(call, terms);
        bool mayReuse = terms.Reuse > TimeSpan.Zero && call.Function.Risk == Risk.Low;
        Verdict lent = mayReuse ? Reuse(call, terms) : Write(call, terms, start);
        if (lent == Verdict.Proceed) LentEcho.Expect(call, terms.Place);
        return new(lent);
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
        LeasedBuffer credential = call.Credential;
        WireText.Put(credential, terms.Place.Prefix);
        int written = WriteJwt(call, terms.Audience, gateway, credential);
        if (written == CredentialIssuer.NoKey) return Unavailable(call, "no signing key may be used");
        if (written == 0)
        {
            call.AuditDetail = "The lent credential would be too large.";
            return Verdict.Fault;
        }

        WireText.Put(credential, terms.Place.Suffix);
        if (gateway.Length > 0) call.Lent.Begin(call.Id);
        call.CredentialId = call.IdString();
        return Verdict.Proceed;
    }

    private int WriteJwt(CallContext call, string audience, string gateway, LeasedBuffer destination)
    {
        CredentialTerms terms = call.Function!.Upstream.Credential;
        LentTerms lent = new()
        {
            Audience = audience,
            Function = call.Function.Id,
            Caller = call.Caller!,
            Call = call.Id,
            Algorithm = terms.Algorithm,
            TimeToLive = terms.TimeToLive,
            Gateway = gateway,
            Digest = call.Digest,
            Approval = call.IsClaimed ? call.Approval!.Id : null,
            Approvers = call.IsClaimed ? ApproversOf(call.Approval!) : null,
        };
        for (int size = CredentialBytes; size <= CredentialBytesMax; size *= 2)
        {
            int count = issuer.Write(lent, destination.GetSpan(size));
            if (count == 0) continue;
            if (count > 0) destination.Advance(count);
            return count;
        }

        return 0;
    }

    private async ValueTask<Verdict> BrokerAsync(CallContext call, CredentialTerms terms)
    {
        if (terms.Place.Form == CredentialForm.AwsSigV4 && terms.Place.SignsBody)
        {
            Verdict read = await RequestBodies.BufferAsync(call, limits.ApprovalBodyBytesMax, limits, isWhole: true);
            if (read != Verdict.Proceed) return read;
        }

        byte[] token = terms.ExchangesCaller ? CallerTokenOf(call) : [];
        Lending lending = brokers is null
            ? Lending.Failed("the gateway has no brokers")
            : await brokers.LendAsync(new LendRequest
            {
                Terms = terms,
                Function = call.Function!.Id,
                Risk = call.Function.Risk,
                Caller = call.Caller!,
                Call = call.Id,
                Endpoints = call.Function.Upstream.Endpoints,
                CallerToken = token,
                Assert = audience => Assertion(call, audience),
            });
        token.AsSpan().Clear();
        if (lending.Secret is not { } secret) return Unavailable(call, lending.Fault);
        call.Secret = secret;
        call.CredentialId = secret.Id;
        if (!CredentialText.TryWrite(terms.Place, secret, call.Credential))
        {
            return Unavailable(
                call, $"the credential of '{terms.From}' lacks a field, or has one that no header can carry");
        }

        LentEcho.Expect(call, terms.Place);
        return Verdict.Proceed;
    }

    private byte[]? Assertion(CallContext call, string audience)
    {
        LeasedBuffer written = new();
        byte[]? word = WriteJwt(call, audience, gateway: "", written) > 0 ? written.Written.ToArray() : null;
        written.Return();
        return word;
    }

    // Whoever asks to be called back is not here, and neither is their token.
    private static byte[] CallerTokenOf(CallContext call)
    {
        if (call.Run is not null || call.Request.Count(FieldId.Authorization) != 1) return [];
        ReadOnlySpan<byte> value = call.Request.Value(FieldId.Authorization);
        return value[(value.IndexOf((byte)' ') + 1)..].TrimStart((byte)' ').ToArray();
    }

    private static Verdict Unavailable(CallContext call, string fault)
    {
        call.Detail = "No credential can be had for the function's upstream, so it was not called.";
        call.AuditDetail = fault;
        return Verdict.CredentialUnavailable;
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
