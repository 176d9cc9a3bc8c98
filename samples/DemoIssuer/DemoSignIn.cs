using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Countersign.DemoIssuer;

/// <summary>What a code was given for; it is redeemed once, or never.</summary>
internal sealed record DemoCode(
    DemoUser User, string ClientId, string RedirectUri, string Challenge, string? Nonce, DateTimeOffset EndsAt);

/// <summary>
/// The authorization code flow of the demo issuer: a page to choose a person from in place of a password, and codes
/// that only whoever began with them can redeem (RFC 7636). Thread-safe.
/// </summary>
internal sealed class DemoSignIn(string address, TimeProvider clock)
{
    private const int CodesMax = 256;

    private static readonly TimeSpan CodeLife = TimeSpan.FromMinutes(1);

    private const string Style = """
        :root{color-scheme:light dark;--g:#f5f6f4;--p:#fff;--i:#1b2321;--s:#53605c;--l:#d5dad6}
        @media(prefers-color-scheme:dark){:root{--g:#121816;--p:#1b2321;--i:#e6ebe8;--s:#a3b0ab;--l:#36423e}}
        body{margin:0;background:var(--g);color:var(--i);font:16px/1.5 system-ui,"DejaVu Sans",sans-serif}
        main{max-width:30rem;margin:10vh auto;padding:0 1rem}
        h1{font-size:1.4rem;margin:0 0 .25rem}p{color:var(--s);margin:0 0 1.25rem}
        ul{list-style:none;padding:0;display:grid;gap:.6rem}
        a{display:flex;justify-content:space-between;gap:1rem;padding:.75rem 1rem;border:1px solid var(--l);
        border-radius:10px;background:var(--p);color:inherit;text-decoration:none;font-weight:600}
        a:hover,a:focus-visible{outline:2px solid #1468c7}small{color:var(--s);font-weight:400}
        """;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, DemoCode> _codes = new(StringComparer.Ordinal);

    private static string StyleHash => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)));

    /// <summary><c>GET /authorize</c>: who do you want to be? With <c>user</c> the choice is made.</summary>
    public Task AuthorizeAsync(HttpContext context)
    {
        IQueryCollection query = context.Request.Query;
        string redirectUri = Value(query, "redirect_uri"), challenge = Value(query, "code_challenge");
        string clientId = Value(query, "client_id");
        string? wrong = Value(query, "response_type") != "code" ? "response_type is code"
            : !IsOnThisMachine(redirectUri) ? "redirect_uri is an http address of this machine"
            : clientId.Length == 0 ? "client_id is missing"
            : Value(query, "code_challenge_method") != "S256" || challenge.Length != 43 ? "PKCE with S256 is needed"
            : !Value(query, "scope").Split(' ').Contains("openid") ? "scope holds openid"
            : null;
        if (wrong is not null) return PageAsync(context, 400, "<h1>This cannot be answered</h1><p>" + wrong + "</p>");
        if (!DemoUser.All.TryGetValue(Value(query, "user"), out DemoUser? user)) return ChooseAsync(context);
        string code = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        StringValues nonce = query["nonce"];
        Keep(code, new DemoCode(
            user, clientId, redirectUri, challenge, nonce.Count == 1 ? nonce.ToString() : null,
            clock.GetUtcNow() + CodeLife));
        string state = Value(query, "state");
        char joint = redirectUri.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        context.Response.Headers.CacheControl = "no-store";
        context.Response.StatusCode = 303;
        context.Response.Headers.Location =
            $"{redirectUri}{joint}code={code}&state={Uri.EscapeDataString(state)}&iss={Uri.EscapeDataString(address)}";
        return Task.CompletedTask;
    }

    /// <summary>Redeems a code; null for one that is spent, too old, or somebody else's.</summary>
    public DemoCode? Redeem(IFormCollection form)
    {
        DemoCode? code;
        lock (_gate)
        {
            if (!_codes.Remove(form["code"].ToString(), out code)) return null;
        }

        string verifier = form["code_verifier"].ToString();
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        bool isTheirs = code.Challenge == challenge && code.ClientId == form["client_id"].ToString()
            && code.RedirectUri == form["redirect_uri"].ToString() && clock.GetUtcNow() < code.EndsAt;
        return isTheirs ? code : null;
    }

    private static string Value(IQueryCollection query, string name) =>
        query[name] is [{ } value] ? value : "";

    private static bool IsOnThisMachine(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? uri)
        && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback && uri.Fragment.Length == 0;

    private void Keep(string code, DemoCode given)
    {
        lock (_gate)
        {
            DateTimeOffset now = clock.GetUtcNow();
            foreach (string old in _codes.Where(pair => now >= pair.Value.EndsAt).Select(pair => pair.Key).ToArray())
                _codes.Remove(old);
            if (_codes.Count < CodesMax) _codes[code] = given;
        }
    }

    // Links, not forms: the page's own policy would hold a form's redirect to this origin.
    private static Task ChooseAsync(HttpContext context)
    {
        StringBuilder page = new("<h1>Who are you today?</h1><p>The demo's people need no password.</p><ul>");
        foreach (DemoUser user in DemoUser.All.Values.Where(one => one.Kind == "human").OrderBy(one => one.Name))
        {
            string link = "/authorize" + context.Request.QueryString + "&user=" + Uri.EscapeDataString(user.Name);
            page.Append("<li><a id=\"").Append(user.Name).Append("\" href=\"").Append(WebUtility.HtmlEncode(link))
                .Append("\">").Append(user.Name).Append("<small>").Append(string.Join(", ", user.Groups))
                .Append("</small></a></li>");
        }

        return PageAsync(context, 200, page.Append("</ul>").ToString());
    }

    private static Task PageAsync(HttpContext context, int status, string body)
    {
        string page = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
            + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Demo issuer</title>"
            + "<style>" + Style + "</style></head><body><main>" + body + "</main></body></html>";
        byte[] bytes = Encoding.UTF8.GetBytes(page);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.ContentLength = bytes.Length;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'sha256-{StyleHash}'; base-uri 'none'; frame-ancestors 'none'";
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}
