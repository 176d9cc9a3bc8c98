using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Countersign.DemoIssuer;

/// <summary>
/// The device authorization grant's endpoint and the page where a code is entered. As everywhere in the demo issuer,
/// who one is is chosen from a list and nothing is proven: it is for trying the gateway, on one machine.
/// </summary>
internal sealed class DevicePages(DeviceGrants grants, Func<string> address)
{
    private const int IntervalSeconds = 1;

    internal void Map(WebApplication app)
    {
        app.MapPost("/device_authorization", BeginAsync);
        app.MapGet("/device", context => PageAsync(context, 200, Form(context.Request.Query["user_code"].ToString())));
        app.MapPost("/device", EnterAsync);
    }

    private Task BeginAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (grants.Begin() is not { } codes)
        {
            return DemoIssuer.AnswerAsync(
                context, 503, new JsonObject { ["error"] = "temporarily_unavailable" });
        }

        return DemoIssuer.AnswerAsync(context, 200, new JsonObject
        {
            ["device_code"] = codes.Device,
            ["user_code"] = codes.User,
            ["verification_uri"] = address() + "/device",
            ["verification_uri_complete"] = address() + "/device?user_code=" + codes.User,
            ["expires_in"] = DeviceGrants.CodeSeconds,
            ["interval"] = IntervalSeconds,
        });
    }

    private async Task EnterAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
        {
            await PageAsync(context, 400, "<p>Send the form.</p>").ConfigureAwait(false);
            return;
        }

        IFormCollection form = await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        string user = form["user"].ToString();
        bool isDenied = form["answer"].ToString() == "deny";
        bool isEntered = (isDenied || DemoUser.All.ContainsKey(user))
            && grants.TryEnter(form["user_code"].ToString(), isDenied ? null : user);
        await PageAsync(
            context, isEntered ? 200 : 400,
            isEntered ? "<p>Done. You may close this page.</p>" : "<p>There is no such code, or no such user.</p>")
            .ConfigureAwait(false);
    }

    private static string Form(string code)
    {
        StringBuilder form = new();
        form.Append("<form method=\"post\" action=\"/device\"><p><label>Code <input name=\"user_code\" value=\"")
            .Append(WebUtility.HtmlEncode(code))
            .Append("\"></label></p><p><label>You are <select name=\"user\">");
        foreach (string user in DemoIssuer.Users) form.Append("<option>").Append(user).Append("</option>");
        form.Append("</select></label></p><p><button name=\"answer\" value=\"allow\">Log in</button> ")
            .Append("<button name=\"answer\" value=\"deny\">Refuse</button></p></form>");
        return form.ToString();
    }

    private static async Task PageAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'";
        context.Response.Headers.CacheControl = "no-store";
        byte[] page = Encoding.UTF8.GetBytes(
            "<!doctype html><html lang=\"en\"><title>Demo login</title><h1>Demo login</h1>" + body + "</html>");
        await context.Response.Body.WriteAsync(page, context.RequestAborted).ConfigureAwait(false);
    }
}
