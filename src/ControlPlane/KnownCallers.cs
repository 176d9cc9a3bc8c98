using Countersign.ControlPlane.Console.Sessions;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane;

/// <summary>Who asks: by a bearer token, or signed in at the console (DESIGN 4.4).</summary>
internal sealed class KnownCallers(
    BearerCallers bearers, SessionDesk? sessions, ConsoleCookies? cookies, Func<string> publicUrl)
{
    /// <summary>Where a script of the console sends what a form sends in its field.</summary>
    private const string FormTokenField = "Countersign-Form";

    /// <summary>A request with an Authorization field is judged by it alone: a session is no second try.</summary>
    public async ValueTask<BearerOutcome> IdentifyAsync(HttpContext context)
    {
        string? cookie = cookies?.Session(context);
        if (context.Request.Headers.Authorization.Count > 0 || cookie is null || sessions is null)
            return await bearers.IdentifyAsync(context);
        SessionFinding found = await sessions.FindAsync(cookie, isActivity: false);
        if (found.IsStoreAway) return new(null, "the store does not answer, so no session is known");
        if (found.Session is not { } session) return new(null, "");

        // A browser sends the cookie whoever made it send the request.
        bool isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        if (!isRead && !session.MayAct) return new(null, "sign in again: it was too long ago to act on");
        bool isOurs = RequestOrigin.IsOurs(context.Request, publicUrl())
            && (isRead || SessionDesk.IsFormToken(session, context.Request.Headers[FormTokenField]));
        return isOurs
            ? new(session.Caller, "", IsFromSession: true) { GoodUntil = session.EndsAt }
            : new(null, "a session alone does not do this");
    }
}
