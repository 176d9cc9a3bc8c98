using System.Text;
using System.Text.Json;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Mcp;

/// <summary>
/// Reads one message of MCP over JSON-RPC 2.0, strictly: what two readers may read differently, and what approvers
/// would not see, is refused.
/// </summary>
internal static class McpReader
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = StrictJson.DepthMax };

    // Of each the answer is masked, and none makes a server act: what reads or acts under another name (resources,
    // prompts, completion, tasks) is no function of policy.
    private static readonly string[] Requests =
        ["initialize", "ping", "server/discover", "tools/list", "logging/setLevel", "subscriptions/listen"];

    private static readonly string[] Notifications =
    [
        "notifications/initialized", "notifications/cancelled", "notifications/progress",
        "notifications/roots/list_changed",
    ];

    private const string ToolCall = "tools/call";

    /// <summary>Which of its parts a message has.</summary>
    [Flags]
    private enum Parts
    {
        None = 0,
        Version = 1,
        Id = 2,
        Method = 4,
        Params = 8,
        Result = 16,
        Error = 32,
    }

    /// <summary>Reads a message; false, and why without any of its content, where it is none.</summary>
    /// <param name="json">The body, whole.</param>
    /// <param name="message">What it asks for; a call of a tool has a name.</param>
    /// <param name="why">What is wrong, for the caller; empty if nothing is.</param>
    internal static bool TryRead(ReadOnlyMemory<byte> json, out McpMessage message, out string why)
    {
        message = default;
        if (!StrictJson.Holds(json, out why)) return false;
        Utf8JsonReader reader = new(json.Span, Options);
        reader.Read();
        why = reader.TokenType == JsonTokenType.StartObject ? ReadMembers(ref reader, ref message)
            : "The body is not one JSON-RPC message; batches are not taken.";
        if (why.Length > 0) message = default;
        return why.Length == 0;
    }

    private static string ReadMembers(ref Utf8JsonReader reader, ref McpMessage message)
    {
        Utf8JsonReader atParams = default;
        Parts parts = Parts.None;
        bool isEmptyResult = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            Parts part = PartOf(ref reader);
            if (part == Parts.None) return "The message has a member that JSON-RPC does not know.";
            parts |= part;
            reader.Read();
            bool isSound = part switch
            {
                Parts.Version => reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("2.0"u8),
                Parts.Id => reader.TokenType is JsonTokenType.String or JsonTokenType.Number,
                Parts.Method => reader.TokenType == JsonTokenType.String,
                _ => reader.TokenType == JsonTokenType.StartObject,
            };
            if (!isSound) return "A member of the message is not what JSON-RPC 2.0 or MCP has there.";
            if (part == Parts.Method) message.Method = Known(ref reader);
            if (part == Parts.Params) atParams = reader;
            if (part == Parts.Result) isEmptyResult = IsEmpty(reader);
            reader.Skip();
        }

        bool isAnswer = (parts & Parts.Method) == 0;
        Parts wanted = Parts.Version | (isAnswer ? Parts.Id : Parts.Method);
        if ((parts & wanted) != wanted) return "The message lacks jsonrpc, or both method and id.";
        if (isAnswer) return ReadAnswer(parts, isEmptyResult, ref message);
        if ((parts & (Parts.Result | Parts.Error)) != 0) return "The message is both a request and an answer.";
        return ReadRequest(parts, ref atParams, ref message);
    }

    // A server may ask its client, for what a person types or a model says. That would reach a tool whose call was
    // approved without it: only "I am here" and "no" are passed.
    private static string ReadAnswer(Parts parts, bool isEmptyResult, ref McpMessage message)
    {
        bool isResult = (parts & Parts.Result) != 0;
        if (isResult == ((parts & Parts.Error) != 0) || (parts & Parts.Params) != 0)
            return "An answer has a result or an error, and nothing else.";
        if (!isResult || isEmptyResult) message.Kind = McpKind.Protocol;
        return "";
    }

    private static string ReadRequest(Parts parts, ref Utf8JsonReader atParams, ref McpMessage message)
    {
        bool hasId = (parts & Parts.Id) != 0;
        if (Array.IndexOf(Notifications, message.Method) >= 0)
        {
            message.Kind = McpKind.Protocol;
            return hasId ? "A notification has no id." : "";
        }

        if (message.Method == ToolCall)
        {
            if (!hasId) return "A call of a tool has an id.";
            if ((parts & Parts.Params) == 0) return "A call of a tool has params.";
            message.Kind = McpKind.ToolCall;
            return ReadCall(ref atParams, ref message);
        }

        if (Array.IndexOf(Requests, message.Method) < 0) return "";
        message.Kind = McpKind.Protocol;
        return hasId ? "" : "A request has an id.";
    }

    private static string ReadCall(ref Utf8JsonReader reader, ref McpMessage message)
    {
        bool hasName = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isName = reader.ValueTextEquals("name"u8);
            bool isArguments = reader.ValueTextEquals("arguments"u8);
            if (!isName && !isArguments && !reader.ValueTextEquals("_meta"u8))
                return "The params of a call of a tool are name, arguments and _meta: approvers would not see others.";
            reader.Read();
            if (reader.TokenType != (isName ? JsonTokenType.String : JsonTokenType.StartObject))
                return "The name of a tool is text, and arguments and _meta are objects.";
            int start = (int)reader.TokenStartIndex;
            if (isName)
            {
                hasName = true;
                message.IsNameEscaped = reader.ValueIsEscaped;
                message.Name = (start + 1)..(start + 1 + reader.ValueSpan.Length);
            }

            reader.Skip();
            if (isArguments) message.Arguments = start..(int)reader.BytesConsumed;
        }

        return hasName ? "" : "A call of a tool names it.";
    }

    private static bool IsEmpty(Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.EndObject;

    private static Parts PartOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("jsonrpc"u8) ? Parts.Version
        : reader.ValueTextEquals("id"u8) ? Parts.Id
        : reader.ValueTextEquals("method"u8) ? Parts.Method
        : reader.ValueTextEquals("params"u8) ? Parts.Params
        : reader.ValueTextEquals("result"u8) ? Parts.Result
        : reader.ValueTextEquals("error"u8) ? Parts.Error
        : Parts.None;

    // A constant for each that is known, so that nothing is allocated; all others are alike.
    private static string Known(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals(ToolCall)) return ToolCall;
        foreach (string one in Requests)
        {
            if (reader.ValueTextEquals(one)) return one;
        }

        foreach (string one in Notifications)
        {
            if (reader.ValueTextEquals(one)) return one;
        }

        return "";
    }

    /// <summary>Decodes a name that is written with escapes; null if it is none that a tool can have.</summary>
    internal static byte[]? Decode(ReadOnlySpan<byte> escaped)
    {
        byte[] quoted = [(byte)'"', .. escaped, (byte)'"'];
        Utf8JsonReader reader = new(quoted);
        return reader.Read() ? Encoding.UTF8.GetBytes(reader.GetString()!) : null;
    }
}
