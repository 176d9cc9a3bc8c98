using System.Security.Cryptography;
using System.Text;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.Identity.Inbound.Saml;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Console;

/// <summary>
/// Signing in by SAML: to the provider by redirect, back by a form that it posts. Browsers send our cookies with no
/// form
/// of another site (SameSite=Lax), so that the answer is judged without them and held for one redirect, by which the
/// browser that began shows the request that it answers (docs/decisions/0065).
/// </summary>
internal sealed partial class SamlSignInEndpoints(
    Routes routes, ConsoleGate gate, SignInEndpoints entrance, SessionDesk sessions, ConsoleCookies cookies,
    SamlService saml, TimeProvider clock, ILogger logger)
{
    private const int StateBytes = 32;

    public void Map()
    {
        gate.Open(ConsolePaths.SamlStart, StartAsync);
        gate.Open(ConsolePaths.SamlFinish, FinishAsync);
        routes.Open(HttpMethods.Post, SamlService.ConsumerPath, context =>
        {
            ConsoleGate.Protect(context);
            return AnswerAsync(context);
        });
    }

    private async ValueTask<Reply> StartAsync(HttpContext context)
    {
        if (!RequestReading.TryNumber(context, "provider", 0, saml.Providers.Count - 1, 0, out long index)
            || !saml.Providers[(int)index].SignsIn)
        {
            return await entrance.ShowAsync(context, 400, "Choose one of these.");
        }

        if (await entrance.StopAsync(context) is { } stopped) return stopped;
        string state = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(StateBytes));
        SamlStart? start = await saml.BeginAsync((int)index, state, context.RequestAborted);
        if (start is null)
        {
            return await entrance.ShowAsync(
                context, 502, "The identity provider does not answer. Try again in a moment.");
        }

        string wanted = RequestReading.TryQuery(context, "return", out string? asked)
            ? ConsolePaths.SafeReturn(asked)
            : ConsolePaths.Inbox;
        cookies.SetSignIn(context, new SignInRecord(
            saml.Providers[(int)index].Mapping.Issuer, state, start.Request, "", wanted,
            clock.GetUtcNow() + ConsoleLimits.SignInWithin));
        return ConsoleGate.SeeOther(start.Address.AbsoluteUri);
    }

    private async ValueTask<Reply> AnswerAsync(HttpContext context)
    {
        if (await entrance.StopAsync(context, isBegin: false) is { } stopped) return stopped;
        Dictionary<string, string>? form = await RequestReading.FormAsync(context, ConsoleLimits.AnswerBytesMax);
        if (form?.GetValueOrDefault("SAMLResponse") is not { Length: > 0 } answer)
            return await entrance.ShowAsync(context, 400, "The identity provider's answer cannot be read.");
        SamlResult result = await saml.AcceptResponseAsync(answer, context.RequestAborted);
        if (result.Caller is not { } caller)
        {
            Refused(logger, result.Because);
            return await entrance.ShowAsync(
                context, result.IsStoreAway ? 503 : 403, "You could not be signed in: " + result.Because + ".");
        }

        string? ticket = await sessions.HoldAsync(caller, result.Request!, result.ExpiresAt);
        return ticket is null
            ? await entrance.ShowAsync(context, 503, "The store does not answer. Try again in a moment.")
            : ConsoleGate.SeeOther(
                ConsolePaths.SamlFinish + "?ticket=" + ticket + "&state="
                + Uri.EscapeDataString(form.GetValueOrDefault("RelayState", "")));
    }

    private async ValueTask<Reply> FinishAsync(HttpContext context)
    {
        SignInRecord? record = cookies.TakeSignIn(context);
        IQueryCollection query = context.Request.Query;
        bool isOurs = record is not null && query["state"].Count == 1 && query["ticket"].Count == 1
            && CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(query["state"].ToString()), Encoding.UTF8.GetBytes(record.State));
        if (!isOurs || await sessions.TakeAsync(query["ticket"].ToString(), record!.Nonce) is not { } held
            || held.Caller.Issuer != record.Issuer)
        {
            return await entrance.ShowAsync(
                context, 400, "This sign-in was not begun in this browser, or is too old. Again.");
        }

        return await entrance.BeginSessionAsync(context, held.Caller, record.Return, held.NotAfter);
    }

    [LoggerMessage(EventId = 4, Level = LogLevel.Warning, Message = "A SAML sign-in was refused: {Because}")]
    private static partial void Refused(ILogger logger, string because);
}
