using System.Text;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Mcp;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Which function a call at an MCP endpoint is for: a tool that its message names, or the protocol. What the message
/// could mean to another reader is refused.
/// </summary>
internal static class McpCalls
{
    private const string Opposed =
        "An Mcp- field of the request does not agree with its message, or repeats an argument.";

    /// <summary>Names the function of a call whose path is an endpoint's.</summary>
    internal static Verdict Resolve(CallContext call)
    {
        RequestHead request = call.Request;
        if (!BringsMessage(request, out string? why)) return why is null ? Verdict.Proceed : Malformed(call, why);
        if (!call.RequestBody.IsWhole) return Verdict.BodyNeeded;
        Verdict verdict = Read(request, call.BodyPrefix.WrittenMemory, call.Function!.Endpoint!, out McpFinding found);
        if (found.Why.Length > 0) call.Detail = found.Why;
        if (found.Tool is { } tool)
        {
            (call.Tool ??= new ToolCall()).Set(request.Path, found.Name, found.Arguments);
            call.Function = tool;
        }
        else if (verdict == Verdict.UnknownFunction)
        {
            // The audit says what was asked for.
            (call.Tool ??= new ToolCall()).Set(request.Path, found.Name, default);
            call.Function = null;
        }

        return verdict;
    }

    /// <summary>True if a request to an endpoint has a message to be read; why not, or null if it needs none.</summary>
    internal static bool BringsMessage(RequestHead request, out string? why)
    {
        bool isPost = request.Method.SequenceEqual("POST"u8);
        why = request.Target.Length != request.Path.Length
            ? "An MCP endpoint takes no query: approvers would not see it."
            : isPost || request.Framing == BodyFraming.None ? null
            : "Only a POST brings a message to an MCP endpoint.";
        return why is null && isPost;
    }

    /// <summary>Says what the message of a request to an endpoint is for.</summary>
    /// <param name="request">The head of a POST.</param>
    /// <param name="body">The message, whole.</param>
    /// <param name="endpoint">The endpoint's tools.</param>
    /// <param name="found">The tool, where the verdict is to proceed and the message calls one.</param>
    internal static Verdict Read(
        RequestHead request, ReadOnlyMemory<byte> body, McpEndpoint endpoint, out McpFinding found)
    {
        found = new McpFinding { Why = "" };
        if (!IsPlainJson(request))
        {
            found.Why = "A message of MCP is application/json in UTF-8, not encoded, and says so once.";
            return Verdict.Malformed;
        }

        if (!McpReader.TryRead(body, out McpMessage message, out found.Why)) return Verdict.Malformed;
        if (message.Kind == McpKind.Unlisted)
        {
            found.Why = "The gateway does not pass this message of MCP: it is no call of a tool, and none of the "
                + "protocol's own that it knows.";
            return Verdict.Denied;
        }

        bool isTool = message.Kind == McpKind.ToolCall;
        if (isTool) found.Name = NameOf(message, body.Span);
        Function? tool = isTool ? endpoint.Find(found.Name) : null;
        if (isTool && tool is null) return Verdict.UnknownFunction;
        if (!AgreesOnMethod(request, message) || (isTool && !Agrees(request, "Mcp-Name"u8, found.Name)))
        {
            found.Why = Opposed;
            return Verdict.Malformed;
        }

        found.Tool = tool;
        found.Arguments = message.Arguments;
        return Verdict.Proceed;
    }

    private static ReadOnlySpan<byte> NameOf(scoped in McpMessage message, ReadOnlySpan<byte> body)
    {
        ReadOnlySpan<byte> name = body[message.Name];
        return message.IsNameEscaped ? McpReader.Decode(name) : name;
    }

    /// <summary>True if a head says, once, that its body is JSON, and not encoded.</summary>
    internal static bool IsPlainJson(RequestHead request)
    {
        ReadOnlySpan<byte> type = request.Value(FieldId.ContentType);
        return request.Count(FieldId.ContentType) == 1 && MediaType.IsJson(type) && !MediaType.IsRecordStream(type)
            && request.Count(FieldId.ContentEncoding) == 0;
    }

    // Fields that repeat what the message says (MCP, HTTP standard headers). A server that goes by them must not be
    // told another thing than its approvers.
    private static bool AgreesOnMethod(RequestHead request, in McpMessage message)
    {
        if (!request.TryFind("Mcp-Method"u8, out FieldSlice field)) return true;
        return message.Method is { } method && Ascii.Equals(request.Value(field), method)
            && Agrees(request, "Mcp-Method"u8, request.Value(field));
    }

    private static bool Agrees(RequestHead request, ReadOnlySpan<byte> name, ReadOnlySpan<byte> said)
    {
        foreach (ref readonly FieldSlice field in request.Fields)
        {
            ReadOnlySpan<byte> found = request.Name(field);
            if (Ascii.EqualsIgnoreCase(found, name) && !request.Value(field).SequenceEqual(said)) return false;

            // A copy of one argument, in a form that only the tool's own schema explains.
            if (found.Length >= 10 && Ascii.EqualsIgnoreCase(found[..10], "Mcp-Param-"u8)) return false;
        }

        return true;
    }

    private static Verdict Malformed(CallContext call, string why)
    {
        call.Detail = why;
        return Verdict.Malformed;
    }
}
