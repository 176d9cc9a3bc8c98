using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Countersign.ControlPlane;
using Xunit;

namespace Countersign.Integration.Tests.Configuration;

/// <summary>Webhooks as they are configured.</summary>
public sealed class WebhookReaderTests : IDisposable
{
    private const string Good = """
        { "name": "ops", "url": "https://hooks.test/countersign", "secret": "env:HOOK", "events": ["created"] }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-hooks-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{ "name": "a" }""", "url: is required|secret: is required")]
    [InlineData("""{ "name": "a b", "url": "https://h.test/", "secret": "env:S" }""", "name: must be")]
    [InlineData("""{ "name": "a", "url": "http://h.test/", "secret": "env:S" }""", "url: is http to another machine")]
    [InlineData("""{ "name": "a", "url": "ftp://h.test/", "secret": "env:S" }""", "url: is not")]
    [InlineData("""{ "name": "a", "url": "https://u:p@h.test/", "secret": "env:S" }""", "url: is not")]
    [InlineData("""{ "name": "a", "url": "https://h.test/", "secret": "whsec_abc" }""", "secret: must be a reference")]
    [InlineData("""{ "name": "a", "url": "env:U", "kind": "slack", "secret": "env:S" }""", "secret: is not for slack")]
    [InlineData("""{ "name": "a", "url": "env:U", "kind": "teams" }""", "kind: must be generic or slack")]
    [InlineData("""{ "name": "a", "url": "env:U", "kind": "slack", "events": [] }""", "events: needs")]
    [InlineData("""{ "name": "a", "url": "env:U", "kind": "slack", "events": ["done"] }""", "events: 'done'")]
    [InlineData("""{ "name": "a", "url": "env:U", "kind": "slack", "colour": "red" }""", "colour: unknown setting")]
    public void What_is_wrong_is_told_with_its_place(string webhook, string messages)
    {
        // Proves every check, by one webhook that fails it.
        List<string> errors = Read($"[{webhook}]").Errors;
        string[] expected = messages.Split('|');
        Assert.Equal(expected.Length, errors.Count);
        foreach ((string message, string error) in expected.Zip(errors))
            Assert.StartsWith("notices[0]." + message, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_taken_once()
    {
        // Proves that no two webhooks share a queue.
        Assert.Contains("'ops' is taken", Assert.Single(Read($"[{Good},{Good}]").Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9/x", false)]
    [InlineData("http://[::1]:9/x", false)]
    [InlineData("http://localhost:9/x", false)]
    [InlineData("http://h.test/x", true)]
    public void Plain_http_stays_on_this_machine_unless_it_is_allowed(string url, bool allowed)
    {
        // Proves the addresses that plain http may go to.
        string webhook = $$"""
            { "name": "a", "url": "{{url}}", "secret": "env:S", "allowPlainHttp": {{(allowed ? "true" : "false")}} }
            """;
        (IReadOnlyList<WebhookSetting> read, List<string> errors) = Read($"[{webhook}]");
        Assert.Empty(errors);
        Assert.Equal(new Uri(url), Assert.Single(read).Url);
    }

    [Fact]
    public void Secrets_are_opened_at_the_start_and_never_repeated()
    {
        // Proves both forms of a key, an address by reference, and that no fault tells a secret.
        string url = Path.Combine(_folder, "url");
        File.WriteAllText(url, "https://chat.test/T0/very-secret\n");
        WebhookSetting chat = Assert.Single(
            Read("""[{ "name": "chat", "url": "file:url", "kind": "slack" }]""").Webhooks);
        WebhookOptions? opened = WebhookReader.TryOpen(chat, Environment(), out _);
        Assert.Equal((new Uri("https://chat.test/T0/very-secret"), "chat"), (opened!.Url, opened.ToString()));
        File.WriteAllText(url, "http://chat.test/very-secret");
        Assert.Null(WebhookReader.TryOpen(chat, Environment(), out string fault));
        Assert.DoesNotContain("very-secret", fault, StringComparison.Ordinal);
        File.Delete(url);
        Assert.Null(WebhookReader.TryOpen(chat, Environment(), out _));

        WebhookSetting ops = Assert.Single(Read($"[{Good}]").Webhooks);
        Assert.Equal(NoticeEvents.Created, ops.Events);
        string key = "whsec_" + Convert.ToBase64String(new byte[32]);
        Assert.Equal(new byte[32], WebhookReader.TryOpen(ops, Environment(key), out _)!.Secret.ToArray());
        string raw = new('k', 24);
        Assert.Equal(24, WebhookReader.TryOpen(ops, Environment(raw), out _)!.Secret.Length);
        foreach (string bad in (string[])["short-secret", "whsec_!!!", new string('k', 65)])
        {
            Assert.Null(WebhookReader.TryOpen(ops, Environment(bad), out string why));
            Assert.DoesNotContain(bad, why, StringComparison.Ordinal);
        }

        Assert.Null(WebhookReader.TryOpen(ops, Environment(), out _));
    }

    private static Dictionary<string, string> Environment(string? key = null) =>
        key is null ? [] : new() { ["HOOK"] = key };

    private (IReadOnlyList<WebhookSetting> Webhooks, List<string> Errors) Read(string json)
    {
        List<string> errors = [];
        JsonObject content = new() { ["notices"] = JsonNode.Parse(json) };
        IReadOnlyList<WebhookSetting> webhooks = WebhookReader.Read(
            new ConfigurationSection(content, "", errors), path => Path.Combine(_folder, path));
        return (webhooks, errors);
    }
}
