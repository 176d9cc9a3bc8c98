using Countersign.DataPlane.Http;
using Countersign.DataPlane.Sockets;
using Countersign.Identity.Inbound;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>Proves who calls. The usual call is answered from the cache of verified tokens, without waiting.</summary>
internal sealed class CallerGate(CallerVerifier verifier)
{
    private const int TokenBytesMax = 16_384;

    // So many heartbeats without being shown, and a token is forgotten.
    private const int BeatsBetweenSweeps = 8;

    private readonly TokenMemo[] _memos = [.. Enumerable.Range(0, Lane.Count).Select(_ => new TokenMemo())];
    private int _beats;

    /// <summary>Called by the heartbeat: forgets tokens that nobody shows any more.</summary>
    internal void Beat()
    {
        if (++_beats % BeatsBetweenSweeps != 0) return;
        foreach (TokenMemo memo in _memos) memo.Forget();
    }

    /// <summary>
    /// Looks the bearer token up among those already verified: those of this lane first.
    /// </summary>
    [HotPath]
    internal Verdict Identify(CallContext call)
    {
        if (call.Run is not null) return Verdict.Proceed; // identified when they asked; their token is gone
        if (!TryGetBearer(call.Request, out ReadOnlySpan<byte> token, out string because)) return Refuse(call, because);
        TokenStatus status = verifier.TryFind(
            token, call.Client.Certificate.Span, _memos[Lane.Current], out Caller? caller);
        if (status == TokenStatus.Valid)
        {
            call.Caller = caller;
            return Verdict.Proceed;
        }

        if (status == TokenStatus.Unseen) return Verdict.TokenUnseen;
        return Refuse(call, status == TokenStatus.NotBound
            ? "The token is bound to a client certificate that this connection did not show."
            : "The token has expired.");
    }

    /// <summary>Verifies a token that was not seen before; waits only if its issuer's keys must be fetched.</summary>
    internal async ValueTask<Verdict> VerifyAsync(CallContext call)
    {
        TryGetBearer(call.Request, out ReadOnlySpan<byte> token, out _);
        TokenVerification verification = await verifier.VerifyAsync(
            token.ToArray(), call.Client.Certificate, CancellationToken.None);
        if (verification.Status != TokenStatus.Valid) return Refuse(call, verification.Because);
        call.Caller = verification.Caller;
        return Verdict.Proceed;
    }

    private static Verdict Refuse(CallContext call, string because)
    {
        call.Detail = because;
        return Verdict.Unauthenticated;
    }

    // RFC 6750 section 2.1; two Authorization fields could be read two ways.
    private static bool TryGetBearer(RequestHead head, out ReadOnlySpan<byte> token, out string because)
    {
        token = default;
        because = "";
        int count = head.Count(FieldId.Authorization);
        if (count == 0) return false;
        because = "The Authorization field must be one bearer token.";
        ReadOnlySpan<byte> value = head.Value(FieldId.Authorization);
        if (count > 1 || value.Length < 8 || !System.Text.Ascii.EqualsIgnoreCase(value[..7], "bearer "u8)) return false;
        token = value[7..].TrimStart((byte)' ');
        return token.Length is > 0 and <= TokenBytesMax;
    }
}
