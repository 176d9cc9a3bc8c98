using Countersign.DataPlane.Http;
using Countersign.Policy.Conditions;

namespace Countersign.DataPlane.Calls;

/// <summary>A call as the conditions of policy see it: slices of its own head and of its buffered body.</summary>
internal static class ConditionFacts
{
    internal static CallFacts Of(CallContext call) => new()
    {
        Caller = call.Caller!,
        Now = call.Started,
        Path = call.Request.PathMemory,
        Query = call.Request.QueryMemory,
        Headers = call.Request.FieldLines,
        Form = FormOf(call),
        Arguments = call.IsToolCall ? call.Tool!.ArgumentsIn(call.BodyPrefix) : call.BodyPrefix.WrittenMemory,
    };

    /// <summary>
    /// True if a head says that its body is plain JSON. Whoever asks chooses the type, and the function may go by it:
    /// what does not say so, once, is not taken for JSON.
    /// </summary>
    internal static bool SaysJson(RequestHead head)
    {
        ReadOnlySpan<byte> type = head.Value(FieldId.ContentType);
        return head.Count(FieldId.ContentType) == 1 && MediaType.IsJson(type) && !MediaType.IsRecordStream(type)
            && !head.TryFind("Content-Encoding"u8, out _);
    }

    private static ArgumentsForm FormOf(CallContext call)
    {
        if (!call.RequestBody.IsWhole) return ArgumentsForm.Unread;
        if (call.IsToolCall)
            return call.Tool!.ArgumentsIn(call.BodyPrefix).IsEmpty ? ArgumentsForm.Absent : ArgumentsForm.Json;
        if (call.BodyPrefix.Count == 0) return ArgumentsForm.Absent;
        return SaysJson(call.Request) ? ArgumentsForm.Json : ArgumentsForm.NotJson;
    }
}
