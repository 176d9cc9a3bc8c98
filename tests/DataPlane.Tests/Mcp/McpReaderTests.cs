using System.Text;
using System.Text.Json;
using Countersign.DataPlane.Mcp;

namespace Countersign.DataPlane.Tests.Mcp;

/// <summary>Messages of MCP, by cases that are data.</summary>
public sealed class McpReaderTests
{
    public static TheoryData<string, string, string> Cases()
    {
        TheoryData<string, string, string> cases = [];
        foreach (JsonElement one in CaseFolder.Read("mcp", "messages.json").EnumerateArray())
        {
            cases.Add(
                one.GetProperty("name").GetString()!, one.GetProperty("body").GetString()!,
                one.GetProperty("expect").GetString()!);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Reads_what_is_one_message_and_nothing_else(string name, string body, string expected)
    {
        // Proves what each message is taken for, by the tool and the exact bytes of the arguments where it calls one.
        Assert.Equal((name, expected), (name, Say(Encoding.UTF8.GetBytes(body))));
    }

    [Fact]
    public void Refuses_what_is_not_utf8()
    {
        // Proves that bytes which two readers decode differently are no message, wherever they stand.
        byte[] message = Encoding.UTF8.GetBytes(
            "{\"jsonrpc\":\"2.0\",\"id\":\"~\",\"method\":\"tools/call\","
            + "\"params\":{\"name\":\"~\",\"arguments\":{\"~\":\"~\"}}}");
        for (int at = 0; at < message.Length; at++)
        {
            if (message[at] != (byte)'~') continue;
            byte[] broken = [.. message];
            broken[at] = 0xff;
            Assert.Equal("refused", Say(broken));
        }

        byte[] marked = [0xef, 0xbb, 0xbf, .. message];
        Assert.Equal("refused", Say(marked));
    }

    private static string Say(byte[] body)
    {
        bool isRead = McpReader.TryRead(body, out McpMessage message, out string why);
        Assert.Equal(isRead, why.Length == 0);
        if (!isRead) return "refused";
        if (message.Kind != McpKind.ToolCall) return message.Kind == McpKind.Protocol ? "protocol" : "unlisted";
        byte[] name = body[message.Name];
        if (message.IsNameEscaped) name = McpReader.Decode(name)!;
        return $"tool {Encoding.UTF8.GetString(name)} {Encoding.UTF8.GetString(body[message.Arguments])}";
    }
}
