using System.Net;
using Countersign.ControlPlane.Console;
using Countersign.ControlPlane.Console.Sessions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.ControlPlane.Tests.Console.Sessions;

public sealed class RequestOriginTests
{
    [Theory]
    [InlineData(null, null, false)]
    [InlineData("https://control.test", null, true)]
    [InlineData("http://inside:8081", null, true)]
    [InlineData(null, "same-origin", true)]
    [InlineData("https://evil.test", "same-origin", false)]
    [InlineData("https://control.test.evil.test", null, false)]
    [InlineData("null", null, false)]
    [InlineData("", null, false)]
    [InlineData(null, "cross-site", false)]
    [InlineData(null, "same-site", false)]
    [InlineData(null, "none", false)]
    public void Only_our_own_pages_send_us_forms(string? origin, string? site, bool isOurs)
    {
        // Proves each thing a browser may say of where a request comes from.
        DefaultHttpContext context = new();
        context.Request.Method = "POST";
        context.Request.Host = new HostString("inside", 8081);
        if (origin is not null) context.Request.Headers.Origin = origin;
        if (site is not null) context.Request.Headers["Sec-Fetch-Site"] = site;
        Assert.Equal(isOurs, RequestOrigin.IsOurs(context.Request, "https://control.test"));
    }

    [Fact]
    public void Reading_is_left_to_whoever_says_nothing()
    {
        // Proves that a request which changes nothing needs no origin, and is still refused to another site's page.
        DefaultHttpContext context = new();
        context.Request.Method = "GET";
        Assert.True(RequestOrigin.IsOurs(context.Request, "https://control.test"));
        context.Request.Headers["Sec-Fetch-Site"] = "cross-site";
        Assert.False(RequestOrigin.IsOurs(context.Request, "https://control.test"));
    }

    [Fact]
    public void Signing_in_has_a_pace()
    {
        // Proves that one address is held to its share, a /64 counts as one, others go on, and a minute later all may.
        FakeTimeProvider clock = new(Drafts.Now);
        SignInPace pace = new(clock);
        IPAddress one = IPAddress.Parse("2001:db8::1"), near = IPAddress.Parse("2001:db8::2");
        for (int step = 0; step < ConsoleLimits.SignInStepsPerMinute; step++) Assert.True(pace.TryStep(one));
        Assert.False(pace.TryStep(one));
        Assert.False(pace.TryStep(near));
        Assert.True(pace.TryStep(IPAddress.Parse("192.0.2.1")));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(pace.TryStep(one));

        int taken = 1;
        for (int address = 0; address < 2_000; address++)
        {
            if (pace.TryStep(new IPAddress([10, 0, (byte)(address / 250), (byte)(address % 250)]))) taken++;
        }

        Assert.Equal(ConsoleLimits.SignInStepsPerMinuteOfAll, taken);
    }
}
