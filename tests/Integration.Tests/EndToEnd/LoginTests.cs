using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Countersign.Cli.Approvals;
using Countersign.Cli.Login;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Logging in at an identity provider, here the demo's, by the device authorization grant.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class LoginTests(DemoWorld world) : IClassFixture<DemoWorld>, IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("countersign-home-").FullName;
    private readonly HttpClient _browser = new();

    private Dictionary<string, string> Variables => new()
    {
        ["XDG_CONFIG_HOME"] = _home,
        ["COUNTERSIGN_CONTROL"] = world.Client.Control,
    };

    private string LoginFile => Path.Combine(_home, "countersign", "logins.json");

    public void Dispose()
    {
        _browser.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public async Task A_person_logs_in_with_a_code_and_stays_logged_in_until_they_log_out()
    {
        // Proves the whole way: code, browser, kept for the user alone, used, renewed when it expires, forgotten.
        CommandRun login = await LogInAsync("carol", "allow");
        Assert.Equal(0, await login.End);
        Assert.Contains("logged in at " + world.Client.Control, login.Output, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LoginFile));
        UnixFileMode folder = File.GetUnixFileMode(Path.GetDirectoryName(LoginFile)!);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, folder);
        Assert.Equal(0, (await RunAsync("list")).Code);

        string first = Token();
        JsonNode stored = JsonNode.Parse(File.ReadAllText(LoginFile))!;
        stored[world.Client.Control]!["expires_at"] = "2020-01-01T00:00:00+00:00";
        File.WriteAllText(LoginFile, stored.ToJsonString());
        (int Code, string Errors)[] both = await Task.WhenAll(RunAsync("list"), RunAsync("list"));
        Assert.All(both, end => Assert.Equal((0, ""), end));
        Assert.NotEqual(first, Token());

        CommandRun out1 = await CommandRun.RunAsync(LoginCommand.CreateLogout, Variables);
        Assert.Equal((0, "logged out"), (await out1.End, out1.Output.Trim()));
        (int code, string errors) = await RunAsync("list");
        Assert.Equal(2, code);
        Assert.Contains("countersign login", errors, StringComparison.Ordinal);
        CommandRun again = await CommandRun.RunAsync(LoginCommand.CreateLogout, Variables);
        Assert.Equal(1, await again.End);
    }

    [Fact]
    public async Task A_refused_login_keeps_nothing()
    {
        // Proves that a person who refuses in the browser is not logged in.
        CommandRun login = await LogInAsync("carol", "deny");
        Assert.Equal(1, await login.End);
        Assert.Contains("refused in the browser", login.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(LoginFile));
    }

    [Fact]
    public async Task A_login_that_others_may_read_is_not_used()
    {
        // Proves that a file with loose permissions is refused, and a login is never sent to another listener.
        CommandRun login = await LogInAsync("sam", "allow");
        Assert.Equal(0, await login.End);
        Dictionary<string, string> elsewhere = Variables;
        elsewhere["COUNTERSIGN_CONTROL"] = "http://127.0.0.1:9";
        CommandRun other = await CommandRun.RunAsync(ApprovalsCommand.Create, elsewhere, "list");
        Assert.Equal(2, await other.End);
        File.SetUnixFileMode(LoginFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        (int code, string errors) = await RunAsync("list");
        Assert.Equal(2, code);
        Assert.Contains("may be read by others", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://issuer.test", "not https")]
    [InlineData("nowhere", "not https")]
    [InlineData("http://127.0.0.1:9", "cannot be reached")]
    public async Task A_provider_that_cannot_be_trusted_or_reached_is_told(string issuer, string message)
    {
        // Proves the refusals before any code is asked for.
        CommandRun login = await CommandRun.RunAsync(LoginCommand.CreateLogin, Variables, "--issuer", issuer);
        Assert.Equal(2, await login.End);
        Assert.Contains(message, login.Errors, StringComparison.Ordinal);
    }

    private async Task<CommandRun> LogInAsync(string user, string answer)
    {
        string issuer = world.Issuer;
        CommandRun login = CommandRun.Start(LoginCommand.CreateLogin, Variables, null, "--issuer", issuer);
        Match asked = Asked().Match(await login.NextErrorAsync());
        Assert.True(asked.Success);
        Assert.Equal(issuer + "/device", asked.Groups[1].Value);
        string page = await _browser.GetStringAsync(
            issuer + "/device?user_code=" + asked.Groups[2].Value, TestContext.Current.CancellationToken);
        Assert.Contains(asked.Groups[2].Value, page, StringComparison.Ordinal);
        Dictionary<string, string> form = new()
        {
            ["user_code"] = asked.Groups[2].Value,
            ["user"] = user,
            ["answer"] = answer,
        };
        using FormUrlEncodedContent content = new(form);
        HttpResponseMessage entered = await _browser.PostAsync(
            issuer + "/device", content, TestContext.Current.CancellationToken);
        Assert.True(entered.IsSuccessStatusCode);
        return login;
    }

    private string Token() =>
        JsonNode.Parse(File.ReadAllText(LoginFile))![world.Client.Control]!["token"]!.ToString();

    private async Task<(int Code, string Errors)> RunAsync(params string[] arguments)
    {
        CommandRun run = await CommandRun.RunAsync(ApprovalsCommand.Create, Variables, arguments);
        return (await run.End, run.Errors);
    }

    [GeneratedRegex("^Open (\\S+) and enter the code (\\S+)$")]
    private static partial Regex Asked();
}
