using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Countersign.ControlPlane.AuditTrail;
using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Views;
using Countersign.Identity.Inbound.Saml;
using Countersign.Identity.Inbound.SignIn;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Console;

/// <summary>In and out: the choice of an issuer, the way there and back, and the end of a session.</summary>
internal sealed partial class SignInEndpoints(
    ConsoleGate gate, SessionDesk sessions, ConsoleCookies cookies, OidcSignIn? issuers, SamlService? saml,
    SeenPeople people, ActLog acts, Func<string> publicUrl, TimeProvider clock, ILogger logger)
{
    private readonly SignInPace _pace = new(clock);

    private string RedirectUri => publicUrl() + ConsolePaths.SignInCallback;

    public void Map()
    {
        gate.Open(ConsolePaths.SignIn, context => ShowAsync(context));
        gate.Open(ConsolePaths.SignInStart, StartAsync);
        gate.Open(ConsolePaths.SignInCallback, FinishAsync);
        gate.Post(ConsolePaths.SignOut, LeaveAsync, isAct: false);
    }

    /// <summary>The sign-in page, with a refusal in it.</summary>
    internal ValueTask<Reply> ShowAsync(HttpContext context, int status = 200, string? refusal = null)
    {
        SignInChoice[] choices =
        [
            .. (issuers?.Clients ?? []).Select((client, index) => new SignInChoice(
                ConsolePaths.SignInStart + "?issuer=" + Text(index), client.Name, client.Issuer.Issuer)),
            .. (saml?.Providers ?? []).Select((one, index) => (one, index)).Where(pair => pair.one.SignsIn)
                .Select(pair => new SignInChoice(
                    ConsolePaths.SamlStart + "?provider=" + Text(pair.index), pair.one.Name, pair.one.Mapping.Issuer)),
        ];
        string wanted = RequestReading.TryQuery(context, "return", out string? asked)
            ? ConsolePaths.SafeReturn(asked)
            : ConsolePaths.Inbox;
        Notice? notice = refusal is not null ? new Notice(false, refusal)
            : context.Request.Query.ContainsKey("out") ? new Notice(true, "You are signed out.")
            : null;
        return gate.RenderAsync<SignInPage>(
            new SignInModel(ConsoleGate.HeadForAnybody("Sign in"), choices, wanted, notice), status);
    }

    private async ValueTask<Reply> StartAsync(HttpContext context)
    {
        if (issuers is null || !RequestReading.TryNumber(
            context, "issuer", 0, issuers.Clients.Count - 1, 0, out long index))
        {
            return await ShowAsync(context, 400, "Choose one of these.");
        }

        if (await StopAsync(context) is { } stopped) return stopped;
        SignInStart? start = await issuers.BeginAsync((int)index, RedirectUri, context.RequestAborted);
        if (start is null)
            return await ShowAsync(context, 502, "The identity provider does not answer. Try again in a moment.");
        string wanted = RequestReading.TryQuery(context, "return", out string? asked)
            ? ConsolePaths.SafeReturn(asked)
            : ConsolePaths.Inbox;
        cookies.SetSignIn(context, new SignInRecord(
            start.Attempt.Issuer, start.Attempt.State, start.Attempt.Nonce, start.Attempt.Verifier, wanted,
            clock.GetUtcNow() + ConsoleLimits.SignInWithin));
        return ConsoleGate.SeeOther(start.Address.AbsoluteUri);
    }

    private async ValueTask<Reply> FinishAsync(HttpContext context)
    {
        if (issuers is null) return await ShowAsync(context, 400, "Nobody can sign in here.");
        if (!_pace.TryStep(context.Connection.RemoteIpAddress)) return await TooManyAsync(context);
        SignInRecord? record = cookies.TakeSignIn(context);
        IQueryCollection query = context.Request.Query;
        bool isOurs = record is not null && query["state"].Count == 1 && CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(query["state"].ToString()), Encoding.UTF8.GetBytes(record.State));
        if (!isOurs)
            return await ShowAsync(context, 400, "This sign-in was not begun in this browser, or is too old. Again.");
        if (query["error"].Count > 0)
            return await ShowAsync(context, 403, "The identity provider did not let you in.");
        string code = query["code"].ToString();
        if (query["code"].Count != 1 || code.Length is 0 or > ConsoleLimits.CodeCharactersMax)
            return await ShowAsync(context, 400, "The identity provider's answer cannot be read.");
        string? issuer = query["iss"].Count == 0 ? null : query["iss"].ToString();
        SignInAttempt attempt = new(record!.Issuer, record.State, record.Nonce, record.Verifier);
        SignInResult result = await issuers.FinishAsync(attempt, code, issuer, RedirectUri, context.RequestAborted);
        if (result.Caller is not { } caller)
        {
            Refused(logger, record.Issuer, result.Because);
            return await ShowAsync(context, 403, "You could not be signed in: " + result.Because + ".");
        }

        return await BeginSessionAsync(context, caller, record.Return, null);
    }

    /// <summary>Signs somebody in whom an issuer or a provider vouched for.</summary>
    /// <param name="context">The request that brought them.</param>
    /// <param name="caller">Who.</param>
    /// <param name="wanted">Where they wanted to go.</param>
    /// <param name="notAfter">When the provider's own session ends; null says nothing.</param>
    internal async ValueTask<Reply> BeginSessionAsync(
        HttpContext context, Caller caller, string wanted, DateTimeOffset? notAfter)
    {
        using AuditedAct act = acts.Begin(caller, ActWords.SignIn, "console", "");
        if (!await act.TryIntendAsync())
        {
            return await ShowAsync(
                context, 503, "Nobody signs in without a record, and the audit log takes none. Try again in a moment.");
        }

        // Always a new id, and the old one ends: whoever planted an id in this browser holds nothing.
        await sessions.ForgetAsync(cookies.Session(context));
        if (await sessions.BeginAsync(caller, notAfter) is not { } begun)
        {
            act.Fail("the store did not confirm the session");
            return await ShowAsync(context, 503, "The store does not answer. Try again in a moment.");
        }

        await people.NoteAsync(caller);
        act.Succeed("signed in until " + Text(begun.EndsAt));
        cookies.SetSession(context, begun.Id);
        return ConsoleGate.SeeOther(wanted);
    }

    /// <summary>Counts a step of signing in, and sends whoever begins under another name of this listener to the right
    /// one; null goes on.</summary>
    internal async ValueTask<Reply?> StopAsync(HttpContext context, bool isBegin = true)
    {
        if (!_pace.TryStep(context.Connection.RemoteIpAddress)) return await TooManyAsync(context);
        return isBegin && Elsewhere(context) is { } right ? ConsoleGate.SeeOther(right) : null;
    }

    /// <summary>Ends the session, or all of the same person's.</summary>
    internal async ValueTask<Reply> LeaveAsync(HttpContext context, ConsoleSession session, PostedForm form)
    {
        bool isEverywhere = form["everywhere"] == "yes";
        using AuditedAct act = acts.Begin(
            session.Caller, ActWords.SignOut, "console", isEverywhere ? "everywhere" : "here");
        if (!await act.TryIntendAsync())
        {
            return await gate.MessageAsync(
                503, gate.HeadFor(session, "You are still signed in", ""),
                "Nothing is done without a record, and the audit log takes none. Try again in a moment.");
        }

        bool isDone = isEverywhere ? await sessions.EndAllAsync(session) : await sessions.EndAsync(session);
        if (!isDone)
        {
            act.Fail("the store did not confirm it");
            return await gate.MessageAsync(
                503, gate.HeadFor(session, "You are still signed in", ""),
                "The store did not confirm it. Try again in a moment.");
        }

        act.Succeed("signed out");
        cookies.ClearSession(context);
        return ConsoleGate.SeeOther(ConsolePaths.SignIn + "?out=1");
    }

    // Cookies belong to a host: whoever begins under another name of this listener could not come back to it.
    private string? Elsewhere(HttpContext context)
    {
        bool isHere = !Uri.TryCreate(publicUrl(), UriKind.Absolute, out Uri? ours) || !context.Request.Host.HasValue
            || ours.Authority.Equals(context.Request.Host.Value, StringComparison.OrdinalIgnoreCase);
        return isHere ? null : publicUrl() + context.Request.Path + context.Request.QueryString;
    }

    private ValueTask<Reply> TooManyAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "60";
        return ShowAsync(context, 429, "Too many sign-ins from here. Wait a minute.");
    }

    private static string Text(int index) => index.ToString(CultureInfo.InvariantCulture);

    private static string Text(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "A sign-in by {Issuer} was refused: {Because}")]
    private static partial void Refused(ILogger logger, string issuer, string because);
}
