using Countersign.Policy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Countersign.ControlPlane;

/// <summary>The listener's paths: each is open to anybody, or answers only callers with a valid token.</summary>
internal sealed class Routes(IEndpointRouteBuilder endpoints, BearerCallers callers, SeenPeople people)
{
    /// <summary>A path that needs no token.</summary>
    public void Open(string method, string path, Func<HttpContext, ValueTask<Reply>> answer) =>
        Map(method, path, answer);

    /// <summary>A path whose handler cannot run without a caller.</summary>
    public void Known(string method, string path, Func<HttpContext, Caller, ValueTask<Reply>> answer) =>
        Map(method, path, async context =>
        {
            BearerOutcome outcome =
                await callers.IdentifyAsync(context.Request.Headers.Authorization, context.RequestAborted);
            if (outcome.Caller is not { } caller) return BearerCallers.Refuse(outcome.Because);
            await people.NoteAsync(caller);
            return await answer(context, caller);
        });

    private void Map(string method, string path, Func<HttpContext, ValueTask<Reply>> answer)
    {
        // Who may GET may HEAD (RFC 9110 section 9.3.2); Kestrel leaves the body out.
        string[] methods = method == HttpMethods.Get ? [HttpMethods.Get, HttpMethods.Head] : [method];
        RequestDelegate handler = async context => await (await answer(context)).SendAsync(context);
        endpoints.MapMethods(path, methods, handler);
    }
}
