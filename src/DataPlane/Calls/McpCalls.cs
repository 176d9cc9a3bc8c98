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
    /// <summary>Names the function of a call whose path is an endpoint's.</summary>
    internal static Verdict Resolve(CallContext call)
    {
        RequestHead request = call.Request;
        if (request.Target.Length != request.Path.Length)
            return Malformed(call, "An MCP endpoint takes no query: approvers would not see it.");
        if (!request.Method.SequenceEqual("POST"u8))
        {
            return request.Framing == BodyFraming.None ? Verdict.Proceed
                : Malformed(call, "Only a POST brings a message to an MCP endpoint.");
        }

        if (!call.RequestBody.IsWhole) return Verdict.BodyNeeded;
        if (!IsPlainJson(request))
            return Malformed(call, "A message of MCP is application/json in UTF-8, not encoded, and says so once.");
        if (!McpReader.TryRead(call.BodyPrefix.WrittenMemory, out McpMessage message, out string why))
            return Malformed(call, why);
        return message.Kind switch
        {
            McpKind.Protocol => AgreesOnMethod(request, message) ? Verdict.Proceed : Disagrees(call),
            McpKind.ToolCall => ResolveTool(call, message),
            _ => Unlisted(call),
        };
    }

    private static Verdict ResolveTool(CallContext call, in McpMessage message)
    {
        RequestHead request = call.Request;
        ReadOnlySpan<byte> name = call.BodyPrefix.Written[message.Name];
        if (message.IsNameEscaped) name = McpReader.Decode(name);
        Function? tool = call.Function!.Endpoint!.Find(name);
        if (tool is null)
        {
            call.Function = null;
            return Verdict.UnknownFunction;
        }

        if (!AgreesOnMethod(request, message) || !Agrees(request, "Mcp-Name"u8, name)) return Disagrees(call);
        (call.Tool ??= new ToolCall()).Set(request.Path, name, message.Arguments);
        call.Function = tool;
        return Verdict.Proceed;
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

    private static Verdict Unlisted(CallContext call)
    {
        call.Detail = "The gateway does not pass this message of MCP: it is no call of a tool, and none of the "
            + "protocol's own that it knows.";
        return Verdict.Denied;
    }

    private static Verdict Disagrees(CallContext call) =>
        Malformed(call, "An Mcp- field of the request does not agree with its message, or repeats an argument.");

    private static Verdict Malformed(CallContext call, string why)
    {
        call.Detail = why;
        return Verdict.Malformed;
    }
}
