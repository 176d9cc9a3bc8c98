using System.Buffers;
using System.Text;
using Countersign.DataPlane.Calls;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Mcp;
using Countersign.DataPlane.Transport;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Conditions;
using Countersign.Policy.Review;

namespace Countersign.DataPlane;

/// <summary>
/// Calls that people describe, read as a connection reads those that are made: by the same parser (RFC 9112), so that
/// what is refused before any policy is asked is refused for them too.
/// </summary>
public static class DescribedCalls
{
    // A name that no function has (RFC 6761 section 6.4), for a call whose Host nobody said.
    private const string AnyHost = "any.invalid";
    private const string ContentType = "Content-Type";

    /// <summary>
    /// The call with <see cref="CallSample.Refusal"/>, <see cref="CallSample.BodyForm"/> and
    /// <see cref="CallSample.Unshowable"/> as its head and body have them. A body whose type is not
    /// said is taken for JSON; limits of size and count are the configuration's, and are not applied.
    /// A message to an MCP endpoint that calls a tool becomes a call of the tool, with its arguments for a body.
    /// </summary>
    /// <param name="call">The call as described.</param>
    /// <param name="policy">Knows which paths are endpoints of MCP.</param>
    public static CallSample AsRead(CallSample call, PolicySnapshot policy)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(policy);
        RequestHead head = new();
        try
        {
            bool isTool = call.Target.Contains('#', StringComparison.Ordinal);
            Verdict verdict = Read(call, head);
            if (verdict == Verdict.Proceed && isTool && !IsSoundMessage(call, head)) verdict = Verdict.Malformed;
            if (verdict != Verdict.Proceed) return Refused(call, verdict);
            Function? function = call.Function.Length > 0 ? null : (call with { Refusal = "" }).FindFunction(policy);
            if (function?.Endpoint is { } endpoint) return AsMessage(call with { Refusal = "" }, head, endpoint);

            // The arguments of a tool are JSON inside of a message that was read by now.
            bool isJson = isTool || ConditionFacts.SaysJson(head);
            return call with
            {
                Refusal = "",
                BodyForm = isJson ? ArgumentsForm.Json : ArgumentsForm.NotJson,
                Unshowable = isTool ? "" : ApprovalDesk.WhyUnshowable(head, call.Body.Span),
            };
        }
        finally
        {
            head.Return();
        }
    }

    // Where nobody says what the message is, the call is one of the protocol's own.
    private static CallSample AsMessage(CallSample call, RequestHead head, McpEndpoint endpoint)
    {
        bool brings = McpCalls.BringsMessage(head, out string? why);
        if (why is not null) return Refused(call, Verdict.Malformed);
        if (!brings || call.Body.IsEmpty) return call with { BodyForm = ArgumentsForm.Json };
        Verdict verdict = McpCalls.Read(head, call.Body, endpoint, out McpFinding found);
        if (verdict != Verdict.Proceed) return Refused(call, verdict);
        if (found.Tool is null) return call with { BodyForm = ArgumentsForm.Json };
        return call with
        {
            Target = $"{call.Target}#{Encoding.UTF8.GetString(found.Name)}",
            Body = call.Body[found.Arguments],
            BodyForm = ArgumentsForm.Json,
        };
    }

    private static CallSample Refused(CallSample call, Verdict verdict)
    {
        VerdictRow row = VerdictTable.Of(verdict);
        return call with { Refusal = $"{row.Status} {row.Name}" };
    }

    // A message of MCP is read before any policy is asked, its arguments with it.
    private static bool IsSoundMessage(CallSample call, RequestHead head) => McpCalls.IsPlainJson(head)
        && (call.Body.IsEmpty || StrictJson.IsUnambiguous(call.Body.Span, out _));

    private static Verdict Read(CallSample call, RequestHead head)
    {
        // A line break in a value would begin a field that nobody described.
        bool isBroken = call.Headers.Any(field => HasBreak(field.Key) || HasBreak(field.Value)) || HasBreak(call.Host);
        if (isBroken) return Verdict.Malformed;
        HeadReader reader = default;
        ReadOnlySequence<byte> bytes = new(Encoding.UTF8.GetBytes(Write(call)));
        ParseStatus status = reader.TryLoad(bytes, head, int.MaxValue, out _, out _);
        if (status != ParseStatus.Complete) return Verdict.Malformed;
        return CallConnection.Translate(RequestParser.Parse(head, new HeadBounds(int.MaxValue, int.MaxValue)));
    }

    private static string Write(CallSample call)
    {
        string line = call.Function.Length > 0 ? "POST /" : $"{call.Method} {call.Target.Split('#')[0]}";
        StringBuilder text = new($"{line} HTTP/1.1\r\n");
        if (!Has(call, "Host")) text.Append($"Host: {(call.Host.Length > 0 ? call.Host : AnyHost)}\r\n");
        if (!Has(call, ContentType)) text.Append($"{ContentType}: application/json\r\n");
        bool isFramed = call.Body.IsEmpty || Has(call, "Content-Length") || Has(call, "Transfer-Encoding");
        if (!isFramed) text.Append($"Content-Length: {call.Body.Length}\r\n");
        foreach ((string name, string value) in call.Headers) text.Append($"{name}: {value}\r\n");
        return text.Append("\r\n").ToString();
    }

    private static bool Has(CallSample call, string name) =>
        call.Headers.Any(field => string.Equals(field.Key, name, StringComparison.OrdinalIgnoreCase));

    private static bool HasBreak(string text) => text.AsSpan().ContainsAny('\r', '\n');
}
