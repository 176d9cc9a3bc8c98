using System.Text;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane;

/// <summary>Who calls, or why nobody is known to.</summary>
/// <param name="Caller">Null refuses.</param>
/// <param name="Because">What is wrong with the token, safe to show; empty when none was sent.</param>
/// <param name="IsFromSession">True for a session: its groups are those of its sign-in, and were noted then.</param>
internal readonly record struct BearerOutcome(Caller? Caller, string Because, bool IsFromSession = false);

/// <summary>Bearer tokens on the control listener (RFC 6750 section 2.1); no other way to send one is read.</summary>
internal sealed class BearerCallers(CallerVerifier verifier)
{
    private const string Scheme = "Bearer";

    public async ValueTask<BearerOutcome> IdentifyAsync(StringValues authorization, CancellationToken cancellation)
    {
        string? text = TokenIn(authorization, out string because);
        if (text is null) return new(null, because);
        byte[] token = Encoding.UTF8.GetBytes(text);
        TokenStatus status = verifier.TryFind(token, out Caller? caller);
        if (status == TokenStatus.Valid) return new(caller, "");
        if (status == TokenStatus.NotBound) return new(null, "the token is bound to a client certificate");
        if (status != TokenStatus.Unseen) return new(null, "the token has expired");
        TokenVerification verified = await verifier.VerifyAsync(token, cancellation);
        return verified.IsValid ? new(verified.Caller, "") : new(null, verified.Because);
    }

    /// <summary>The token in the field, or null; <paramref name="because"/> is empty when there is none at
    /// all.</summary>
    internal static string? TokenIn(StringValues authorization, out string because)
    {
        because = "";
        if (authorization.Count == 0) return null;
        if (authorization.Count > 1)
        {
            because = "there is more than one Authorization field";
            return null;
        }

        string value = authorization.ToString();
        if (!value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return null;
        if (value.Length > Scheme.Length && value[Scheme.Length] != ' ') return null;
        string token = value[Scheme.Length..].Trim(' ');
        if (token.Length > 0) return token;
        because = "the token is empty";
        return null;
    }

    /// <summary>401 with the challenge of RFC 6750 section 3: an error code only for a token that was sent.</summary>
    internal static Reply Refuse(string because)
    {
        string challenge = "Bearer realm=\"countersign\"";
        if (because.Length == 0)
        {
            return Reply.Refuse(Refusal.Unauthenticated, "Send a bearer token.") with { Challenge = challenge };
        }

        challenge += ", error=\"invalid_token\", error_description=\"" + because + "\"";
        string detail = char.ToUpperInvariant(because[0]) + because[1..] + ".";
        return Reply.Refuse(Refusal.Unauthenticated, detail) with { Challenge = challenge };
    }
}
