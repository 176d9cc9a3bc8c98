using Countersign.Policy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Countersign.ControlPlane;

/// <summary>The listener's paths: each is open to anybody, or answers only callers with a valid token.</summary>
internal sealed class Routes(IEndpointRouteBuilder endpoints, KnownCallers callers, SeenPeople people)
{
    /// <summary>A path that needs no token.</summary>
    public void Open(string method, string path, Func<HttpContext, ValueTask<Reply>> answer) =>
        Map(method, path, answer);

    /// <summary>A path whose handler cannot run without a caller.</summary>
    public void Known(string method, string path, Func<HttpContext, Caller, ValueTask<Reply>> answer) =>
        Map(method, path, async context =>
        {
            BearerOutcome outcome = await callers.IdentifyAsync(context);
            if (outcome.Caller is not { } caller) return BearerCallers.Refuse(outcome);
            if (!outcome.IsFromSession) await people.NoteAsync(caller);
            return await answer(context, caller);
        });

    /// <summary>A path that answers for as long as the caller stays one; a reply is for who gets no stream.</summary>
    /// <param name="path">The path.</param>
    /// <param name="run">Streams, given who calls and until when, and how to ask again: no caller once the token has
    /// run out.</param>
    public void Stream(
        string path, Func<HttpContext, BearerOutcome, Func<ValueTask<Caller?>>, ValueTask<Reply?>> run)
    {
        RequestDelegate handler = async context =>
        {
            ValueTask<BearerOutcome> IdentifyAsync() => callers.IdentifyAsync(context);
            BearerOutcome outcome = await IdentifyAsync();
            Reply? reply = outcome.Caller is not null
                ? await run(context, outcome, async () => (await IdentifyAsync()).Caller)
                : BearerCallers.Refuse(outcome);
            if (reply is not null) await reply.SendAsync(context);
        };
        endpoints.MapMethods(path, [HttpMethods.Get], handler);
    }

    private void Map(string method, string path, Func<HttpContext, ValueTask<Reply>> answer)
    {
        // Who may GET may HEAD (RFC 9110 section 9.3.2); Kestrel leaves the body out.
        string[] methods = method == HttpMethods.Get ? [HttpMethods.Get, HttpMethods.Head] : [method];
        RequestDelegate handler = async context =>
        {
            Reply reply = await answer(context);
            if (methods.Length > 1 && reply is { Status: 200, ETag: { } tag } && RequestReading.IsKnown(context, tag))
                reply = Reply.NotModified(tag);
            await reply.SendAsync(context);
        };
        endpoints.MapMethods(path, methods, handler);
    }
}
