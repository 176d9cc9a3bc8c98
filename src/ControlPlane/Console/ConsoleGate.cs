using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Views;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console;

/// <summary>What a form sent, every field at most once.</summary>
internal sealed class PostedForm(Dictionary<string, string> fields)
{
    /// <summary>A field; empty when it was not sent.</summary>
    public string this[string name] => fields.GetValueOrDefault(name, "");
}

/// <summary>
/// The console's door: the fields that every page carries, who is signed in, and that a form came from a page of
/// ours.
/// </summary>
internal sealed class ConsoleGate(
    Routes routes, SessionDesk sessions, ConsoleCookies cookies, PageRenderer renderer, ControlPlaneOptions options,
    Func<string> publicUrl, Func<string> alarm)
{
    // No inline script or style, nobody else's content, no frame around it; text becomes markup in one place of ours.
    private const string PageSecurity =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        + "trusted-types countersign";

    // A page that keeps itself fresh says so, and keeps nobody signed in by it.
    private const string LiveField = "Countersign-Live";

    /// <summary>A page for anybody.</summary>
    public void Open(string path, Func<HttpContext, ValueTask<Reply>> answer) =>
        routes.Open(HttpMethods.Get, path, context =>
        {
            Protect(context);
            return answer(context);
        });

    /// <summary>A page for whoever is signed in; others are sent to sign in, and come back here.</summary>
    public void Page(string path, Func<HttpContext, ConsoleSession, ValueTask<Reply>> answer) =>
        routes.Open(HttpMethods.Get, path, async context =>
        {
            Protect(context);
            bool isLive = context.Request.Headers.ContainsKey(LiveField);
            SessionFinding found = await sessions.FindAsync(cookies.Session(context), isActivity: !isLive);
            if (found.IsStoreAway) return await AwayAsync();
            string wanted = context.Request.Path + context.Request.QueryString;
            return found.Session is { } session
                ? await answer(context, session)
                : SeeOther(ConsolePaths.SignInFor(wanted));
        });

    /// <summary>What a form of ours does; anything else that posts here is refused and changes nothing.</summary>
    /// <param name="path">Where it posts to.</param>
    /// <param name="answer">What it does.</param>
    /// <param name="isAct">True where groups count: then the sign-in must be recent.</param>
    public void Post(
        string path, Func<HttpContext, ConsoleSession, PostedForm, ValueTask<Reply>> answer, bool isAct = true) =>
        routes.Open(HttpMethods.Post, path, async context =>
        {
            Protect(context);
            SessionFinding found = await sessions.FindAsync(cookies.Session(context), isActivity: true);
            if (found.IsStoreAway) return await AwayAsync();
            if (found.Session is not { } session) return await SignedOutAsync();
            PostedForm? form = RequestOrigin.IsOurs(context.Request, publicUrl()) ? await FormAsync(context) : null;
            if (form is null || !SessionDesk.IsFormToken(session, form["token"])) return await ForgedAsync(session);
            return isAct && !session.MayAct
                ? await StaleAsync(context, session)
                : await answer(context, session, form);
        });

    public PageHead HeadFor(ConsoleSession session, string title, string area, int waiting = -1, string owed = "") =>
        new(title, area, ViewerOf(session), session.FormToken, waiting, owed) { Alarm = alarm() };

    public static PageHead HeadForAnybody(string title) => new(title, "", null, "", -1);

    public ValueTask<Reply> RenderAsync<TPage>(object model, int status = 200)
        where TPage : Microsoft.AspNetCore.Components.IComponent => renderer.RenderAsync<TPage>(status, model);

    /// <summary>A sentence in place of a page.</summary>
    public ValueTask<Reply> MessageAsync(int status, PageHead head, string text) => RenderAsync<MessagePage>(
        new MessageModel(head, head.Title, text, ConsolePaths.Inbox, "To the inbox"), status);

    public bool MayReadPolicy(Caller caller) =>
        options.PolicyAdmins.Any(caller.IsIn) || options.Auditors.Any(caller.IsIn);

    /// <summary>RFC 9110 section 15.4.4: what was posted is done, look there.</summary>
    public static Reply SeeOther(string path) =>
        new(303, "text/plain; charset=utf-8", default) { Location = path };

    private ViewerView ViewerOf(ConsoleSession session) => new(
        session.Caller.Subject, Policy.Approvals.ApprovalJson.NameOf(session.Caller.Kind), session.Caller.Issuer,
        session.Caller.Groups, MayReadPolicy(session.Caller),
        options.Auditors.Any(session.Caller.IsIn), session.EndsAt);

    /// <summary>The fields that every page carries.</summary>
    internal static void Protect(HttpContext context)
    {
        IHeaderDictionary fields = context.Response.Headers;
        fields.ContentSecurityPolicy = PageSecurity;
        fields.XFrameOptions = "DENY";
        fields["Cross-Origin-Opener-Policy"] = "same-origin";
        fields["Cross-Origin-Resource-Policy"] = "same-origin";
        fields["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

        // Not no-referrer: with it browsers send Origin: null from our own forms.
        fields["Referrer-Policy"] = "same-origin";
    }

    private static async ValueTask<PostedForm?> FormAsync(HttpContext context) =>
        await RequestReading.FormAsync(context, ConsoleLimits.FormBytesMax) is { } fields
            ? new PostedForm(fields)
            : null;

    private ValueTask<Reply> AwayAsync() => MessageAsync(
        503, HeadForAnybody("The store does not answer"), "Nothing was done. Try again in a moment.");

    private ValueTask<Reply> SignedOutAsync() => MessageAsync(
        401, HeadForAnybody("You are signed out"), "Nothing was done. Sign in, and look at it again.");

    // Back to the page that the form was on: what it posts to is one step below.
    private ValueTask<Reply> StaleAsync(HttpContext context, ConsoleSession session)
    {
        string path = context.Request.Path.Value ?? "";
        string page = path[..Math.Max(path.LastIndexOf('/'), 0)];
        PageHead head = HeadFor(session, "Sign in again first", "");
        return RenderAsync<MessagePage>(
            new MessageModel(
                head, head.Title,
                "You signed in too long ago for your groups to be taken as they were. Nothing was done.",
                ConsolePaths.SignInFor(page), "Sign in again"),
            401);
    }

    private ValueTask<Reply> ForgedAsync(ConsoleSession session) => MessageAsync(
        403, HeadFor(session, "That did not come from this console", ""),
        "Nothing was done. Open the page again, and use its own buttons.");
}
