using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Countersign.DemoFunctions;

/// <summary>
/// A customer file as an MCP server (Streamable HTTP, without sessions): one tool that reads and one that deletes. As
/// much of the protocol as a client needs that lists tools and calls them.
/// </summary>
internal sealed class ToolServer
{
    private const string Newest = "2025-11-25";

    private const int MethodNotFound = -32601;
    private const int InvalidParameters = -32602;
    private const int ParseError = -32700;
    private const int InvalidRequest = -32600;

    private static readonly string[] Versions = [Newest, "2025-06-18", "2025-03-26"];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly Lock _gate = new();
    private readonly HashSet<string> _deleted = new(StringComparer.Ordinal);

    /// <summary>Answers one message: a status and a body, or none for a notification.</summary>
    public async Task<(int Status, JsonObject? Body)> AnswerAsync(HttpRequest request)
    {
        JsonElement message;
        try
        {
            using JsonDocument body = await JsonDocument
                .ParseAsync(request.Body, Strict, request.HttpContext.RequestAborted).ConfigureAwait(false);
            message = body.RootElement.Clone();
        }
        catch (JsonException)
        {
            return (400, Failed(null, ParseError, "the body is not one JSON message"));
        }

        bool isCall = message.ValueKind == JsonValueKind.Object
            && message.TryGetProperty("method", out JsonElement method) && method.ValueKind == JsonValueKind.String;
        if (!isCall) return (400, Failed(null, InvalidRequest, "the message is no request"));
        if (!message.TryGetProperty("id", out JsonElement id)) return (202, null);
        JsonElement parameters = message.TryGetProperty("params", out JsonElement given) ? given : default;
        return (200, message.GetProperty("method").GetString() switch
        {
            "initialize" => Done(id, Begin(parameters)),
            "ping" => Done(id, []),
            "tools/list" => Done(id, new JsonObject { ["tools"] = List() }),
            "tools/call" => Call(id, parameters),
            _ => Failed(id, MethodNotFound, "there is no such method"),
        });
    }

    // The client's revision where this speaks it, else the newest that it does.
    private static JsonObject Begin(JsonElement parameters)
    {
        string asked = TextOf(parameters, "protocolVersion") ?? "";
        return new JsonObject
        {
            ["protocolVersion"] = Versions.Contains(asked) ? asked : Newest,
            ["capabilities"] = new JsonObject { ["tools"] = new JsonObject() },
            ["serverInfo"] = new JsonObject { ["name"] = "countersign-demo", ["version"] = "1.0.0" },
        };
    }

    private static JsonArray List() =>
    [
        Tool("find_customer", "A customer's record, by id"),
        Tool("delete_customer", "Deletes a customer's record for good"),
    ];

    private static JsonObject Tool(string name, string description) => new JsonObject
    {
        ["name"] = name,
        ["description"] = description,
        ["inputSchema"] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["id"] = new JsonObject { ["type"] = "string" } },
            ["required"] = new JsonArray("id"),
        },
    };

    private JsonObject Call(JsonElement id, JsonElement parameters)
    {
        string? tool = TextOf(parameters, "name");
        if (tool is not ("find_customer" or "delete_customer"))
            return Failed(id, InvalidParameters, "there is no such tool");
        bool hasArguments = parameters.TryGetProperty("arguments", out JsonElement arguments);
        string? customer = hasArguments ? TextOf(arguments, "id") : null;
        if (customer is null) return Done(id, Said("id is a string", isError: true));
        lock (_gate)
        {
            bool isGone = _deleted.Contains(customer);
            if (tool == "delete_customer") _deleted.Add(customer);
            if (isGone) return Done(id, Said("no such customer", isError: true));
        }

        return Done(id, tool == "find_customer"
            ? Said(People.Find(customer).ToJson().ToJsonString(), isError: false)
            : Said("customer " + customer + " is deleted", isError: false));
    }

    private static JsonObject Said(string text, bool isError) => new()
    {
        ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }),
        ["isError"] = isError,
    };

    private static string? TextOf(JsonElement within, string name) =>
        within.ValueKind == JsonValueKind.Object && within.TryGetProperty(name, out JsonElement value)
            && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    private static JsonObject Done(JsonElement id, JsonObject result) => new()
    {
        ["jsonrpc"] = "2.0",
        ["id"] = JsonNode.Parse(id.GetRawText()),
        ["result"] = result,
    };

    private static JsonObject Failed(JsonElement? id, int code, string message) => new()
    {
        ["jsonrpc"] = "2.0",
        ["id"] = id is { } known ? JsonNode.Parse(known.GetRawText()) : null,
        ["error"] = new JsonObject { ["code"] = code, ["message"] = message },
    };
}
