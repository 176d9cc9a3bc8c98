using System.Text;
using System.Text.Json;
using Countersign.DataPlane.Mcp;

namespace Countersign.Fuzz;

/// <summary>Messages of MCP against another parser, whole and broken.</summary>
public sealed class McpFuzz
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    // Proves for random messages, most of them then broken in a few bytes, that whatever is taken for a call of a tool
    // is one to a parser of documents too, with the same name, the same bytes of arguments and no member that nobody
    // looked at; that a whole one is always taken; and that nothing throws.
    [Fact]
    public async Task Messages()
    {
        int calls = 0;
        int refused = 0;
        await FuzzRun.ForSeedsAsync(60_000, random =>
        {
            byte[] whole = Encoding.UTF8.GetBytes(Call(random));
            byte[] bytes = random.Next(4) == 0 ? whole : FuzzRun.Mutate(random, whole);
            bool isRead = McpReader.TryRead(bytes, out McpMessage message, out string why);
            Assert.Equal(isRead, why.Length == 0);
            if (ReferenceEquals(whole, bytes)) Assert.True(isRead && message.Kind == McpKind.ToolCall, why);
            if (!isRead) refused++;
            if (message.Kind != McpKind.ToolCall) return Task.CompletedTask;
            calls++;
            Compare(bytes, message);
            return Task.CompletedTask;
        });
        Assert.True(calls > 10_000 && refused > 10_000, $"{calls} calls, {refused} refused");
    }

    private static void Compare(byte[] bytes, McpMessage message)
    {
        using JsonDocument document = JsonDocument.Parse(bytes, Strict);
        JsonElement root = document.RootElement;
        Assert.Equal("2.0", root.GetProperty("jsonrpc").GetString());
        Assert.Equal("tools/call", root.GetProperty("method").GetString());
        Assert.Equal(4, root.EnumerateObject().Count());
        JsonElement call = root.GetProperty("params");
        byte[] name = bytes[message.Name];
        if (message.IsNameEscaped) name = McpReader.Decode(name)!;
        Assert.Equal(call.GetProperty("name").GetString(), Encoding.UTF8.GetString(name));
        string arguments = call.TryGetProperty("arguments", out JsonElement given) ? given.GetRawText() : "";
        Assert.Equal(arguments, Encoding.UTF8.GetString(bytes[message.Arguments]));
        Assert.All(
            call.EnumerateObject(), one => Assert.Contains(one.Name, (string[])["name", "arguments", "_meta"]));
    }

    private static string Call(Random random)
    {
        List<string> members = [$"{Space(random)}\"name\":{Text(random)}"];
        if (random.Next(4) > 0) members.Add($"\"arguments\"{Space(random)}:{Space(random)}{Map(random, 3)}");
        if (random.Next(3) == 0) members.Add($"\"_meta\":{Map(random, 2)}{Space(random)}");
        string[] parts =
        [
            "\"jsonrpc\":\"2.0\"", $"\"id\":{(random.Next(2) == 0 ? "7" : Text(random))}",
            $"\"method\":{FuzzRun.Pick(random, "\"tools/call\"", "\"tools\\/call\"", "\"t\\u006fols/call\"")}",
            $"\"params\":{{{Mixed(random, members)}}}",
        ];
        return $"{Space(random)}{{{Mixed(random, parts)}}}{Space(random)}";
    }

    private static string Mixed(Random random, IEnumerable<string> members)
    {
        string[] mixed = [.. members];
        random.Shuffle(mixed);
        return string.Join(',', mixed);
    }

    private static string Map(Random random, int depth) => "{" + string.Join(
        $"{Space(random)},", Enumerable.Range(0, random.Next(4)).Select(n => $"\"k{n}\":{Value(random, depth)}")) + "}";

    private static string Value(Random random, int depth) => random.Next(depth == 0 ? 4 : 6) switch
    {
        0 => FuzzRun.Pick(random, "0", "-1.5e3", "12345678901234567890", "1.0"),
        1 => Text(random),
        2 => FuzzRun.Pick(random, "true", "false", "null"),
        3 => "[]",
        4 => Map(random, depth - 1),
        _ => $"[{Value(random, depth - 1)},{Space(random)}{Value(random, depth - 1)}]",
    };

    private static string Text(Random random) => FuzzRun.Pick(
        random, "\"delete_user\"", "\"a\\/b\"", "\"\\u0061\\\"\"", "\"\"", "\"ü}{\"", "\"name\"", "\"\\ud83d\\ude00\"");

    private static string Space(Random random) => FuzzRun.Pick(random, "", "", " ", "\n", "\t \r");
}
