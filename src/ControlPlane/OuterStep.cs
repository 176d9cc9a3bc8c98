using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane;

/// <summary>
/// Around every request: the fields that every answer carries, and a problem in place of every bare error, whether of
/// the router or of a bug.
/// </summary>
internal sealed partial class OuterStep(ILogger logger)
{
    public async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary fields = context.Response.Headers;
        fields.XContentTypeOptions = "nosniff";
        fields.CacheControl = "no-store";
        fields.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'";
        Reply? failed = await TryRunAsync(context, next);
        if (context.Response.HasStarted) return;
        int status = context.Response.StatusCode;
        if (failed is null && status >= 400) failed = Reply.Refuse(RefusalTable.Named(status), DetailOf(status));
        if (failed is not null) await failed.SendAsync(context);
    }

    private async ValueTask<Reply?> TryRunAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            return null;
        }
        catch (BadHttpRequestException bad)
        {
            return Reply.Refuse(RefusalTable.Named(bad.StatusCode));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception fault)
        {
            Failed(logger, context.Request.Method, fault);
            if (context.Response.HasStarted) context.Abort();
            return Reply.Refuse(Refusal.InternalError);
        }
    }

    private static string DetailOf(int status) => status switch
    {
        404 => "There is no such path on the control listener.",
        405 => "The Allow field names the methods of this path.",
        _ => "",
    };

    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "A {Method} request failed")]
    private static partial void Failed(ILogger logger, string method, Exception fault);
}
