using System.Buffers.Text;
using System.Text.Json;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console.Sessions;

/// <summary>
/// The console's two cookies. Where the console is reached over https they carry the __Host- prefix, which no other
/// host, path or plain connection can set (RFC 6265bis section 4.1.3).
/// </summary>
internal sealed class ConsoleCookies(PayloadSeal seal, Func<string> publicUrl, TimeProvider clock)
{
    private const string SignInPurpose = "console sign-in v1";

    private bool IsSecure => publicUrl().StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private string SessionName => IsSecure ? "__Host-countersign-session" : "countersign-session";

    private string SignInName => IsSecure ? "__Host-countersign-signin" : "countersign-signin";

    public string? Session(HttpContext context) => context.Request.Cookies[SessionName];

    public void SetSession(HttpContext context, string id) =>
        context.Response.Cookies.Append(SessionName, id, Options(null));

    public void ClearSession(HttpContext context) =>
        context.Response.Cookies.Append(SessionName, "", Options(TimeSpan.Zero));

    /// <summary>Remembers a sign-in in the browser that began it: nothing of it is kept here.</summary>
    public void SetSignIn(HttpContext context, SignInRecord record)
    {
        byte[] box = seal.Seal(
            SignInPurpose, JsonSerializer.SerializeToUtf8Bytes(record, SessionRecords.Default.SignInRecord));
        context.Response.Cookies.Append(
            SignInName, Base64Url.EncodeToString(box), Options(ConsoleLimits.SignInWithin));
    }

    /// <summary>Takes the sign-in that this browser began, once; null when there is none, or it is too old.</summary>
    public SignInRecord? TakeSignIn(HttpContext context)
    {
        string? text = context.Request.Cookies[SignInName];
        context.Response.Cookies.Append(SignInName, "", Options(TimeSpan.Zero));
        if (text is null || !Base64Url.IsValid(text)) return null;
        if (!seal.TryOpen(SignInPurpose, Base64Url.DecodeFromChars(text), out byte[] opened)) return null;
        SignInRecord? record = JsonSerializer.Deserialize(opened, SessionRecords.Default.SignInRecord);
        return record is not null && clock.GetUtcNow() < record.EndsAt ? record : null;
    }

    // Lax, not strict: a link in a notice must find the approver signed in. Every change is a POST, which Lax keeps
    // from other sites, and which takes the form's token besides.
    private CookieOptions Options(TimeSpan? maxAge) => new()
    {
        HttpOnly = true,
        Secure = IsSecure,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        MaxAge = maxAge,
    };
}
