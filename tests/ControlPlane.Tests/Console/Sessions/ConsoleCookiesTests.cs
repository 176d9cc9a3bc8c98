using Countersign.ControlPlane.Console.Sessions;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.ControlPlane.Tests.Console.Sessions;

public sealed class ConsoleCookiesTests : IDisposable
{
    private readonly PayloadSeal _seal = new(new byte[32], PayloadSeal.SessionLabel);
    private readonly FakeTimeProvider _clock = new(Drafts.Now);

    [Theory]
    [InlineData("https://gate.test", "__Host-countersign-session", "__Host-countersign-signin", true)]
    [InlineData("HTTPS://gate.test", "__Host-countersign-session", "__Host-countersign-signin", true)]
    [InlineData("http://127.0.0.1:8081", "countersign-session", "countersign-signin", false)]
    public void Under_https_cookies_are_of_this_host_alone(string url, string session, string signIn, bool isSecure)
    {
        // Proves the attributes that the __Host- prefix demands (Secure, Path=/, no Domain), and that scripts and
        // other sites' posts get neither cookie; by both cookies, set and cleared.
        ConsoleCookies cookies = new(_seal, () => url, _clock);
        DefaultHttpContext context = new();
        cookies.SetSession(context, "id");
        cookies.SetSignIn(context, new SignInRecord("i", "s", "n", "v", "/console", Drafts.Now.AddMinutes(1)));
        cookies.ClearSession(context);
        string[] set = [.. context.Response.Headers.SetCookie.Select(one => one!)];
        Assert.Equal(3, set.Length);
        Assert.StartsWith(session + "=id; ", set[0], StringComparison.Ordinal);
        Assert.StartsWith(signIn + "=", set[1], StringComparison.Ordinal);
        Assert.StartsWith(session + "=; ", set[2], StringComparison.Ordinal);
        foreach (string cookie in set)
        {
            string[] attributes = [.. cookie.Split("; ").Skip(1)];
            Assert.Contains("path=/", attributes);
            Assert.Contains("httponly", attributes);
            Assert.Contains("samesite=lax", attributes);
            Assert.Equal(isSecure, attributes.Contains("secure"));
            Assert.DoesNotContain(attributes, one => one.StartsWith("domain", StringComparison.Ordinal));
        }

        Assert.Contains("max-age=0", set[2], StringComparison.Ordinal);
        Assert.DoesNotContain("max-age", set[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Under_https_a_cookie_without_the_prefix_is_nobodys()
    {
        // Proves that a cookie which a plain connection or a sister host could have set is not read.
        ConsoleCookies cookies = new(_seal, () => "https://gate.test", _clock);
        DefaultHttpContext context = new();
        context.Request.Headers.Cookie = "countersign-session=planted";
        Assert.Null(cookies.Session(context));
        context.Request.Headers.Cookie = "__Host-countersign-session=ours";
        Assert.Equal("ours", cookies.Session(context));
    }

    public void Dispose() => _seal.Dispose();
}
