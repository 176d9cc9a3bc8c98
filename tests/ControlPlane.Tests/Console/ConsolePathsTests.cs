using Countersign.ControlPlane.Console;

namespace Countersign.ControlPlane.Tests.Console;

public sealed class ConsolePathsTests
{
    [Theory]
    [InlineData("/console", true)]
    [InlineData("/console/approvals/019cae2e-7a00-7cc3-98c4-dc0c0c07398f", true)]
    [InlineData("/console/history?state=denied&who=a%20b", true)]
    [InlineData("/console?x", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("/", false)]
    [InlineData("//evil.test/console", false)]
    [InlineData("https://evil.test/console", false)]
    [InlineData("/\\evil.test", false)]
    [InlineData("/console\\..\\evil", false)]
    [InlineData("/consolex", false)]
    [InlineData("/console/signin/callback?code=1", false)]
    [InlineData("/console/\r\nSet-Cookie: a=b", false)]
    [InlineData("/console/\u202E", false)]
    [InlineData("javascript:alert(1)", false)]
    public void Only_the_consoles_own_paths_are_returned_to(string? wanted, bool isTaken)
    {
        // Proves against open redirects that everything else becomes the inbox.
        Assert.Equal(isTaken ? wanted : ConsolePaths.Inbox, ConsolePaths.SafeReturn(wanted));
        Assert.Equal(ConsolePaths.Inbox, ConsolePaths.SafeReturn("/console/" + new string('a', 600)));
    }
}
