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

    // Whoever asks chooses the type, and the function may go by it: what does not say that it is plain JSON, once, is
    // not taken for JSON.
    private static ArgumentsForm FormOf(CallContext call)
    {
        if (!call.RequestBody.IsWhole) return ArgumentsForm.Unread;
        if (call.IsToolCall)
            return call.Tool!.ArgumentsIn(call.BodyPrefix).IsEmpty ? ArgumentsForm.Absent : ArgumentsForm.Json;
        if (call.BodyPrefix.Count == 0) return ArgumentsForm.Absent;
        ReadOnlySpan<byte> type = call.Request.Value(FieldId.ContentType);
        bool isJson = call.Request.Count(FieldId.ContentType) == 1 && MediaType.IsJson(type)
            && !MediaType.IsRecordStream(type) && !call.Request.TryFind("Content-Encoding"u8, out _);
        return isJson ? ArgumentsForm.Json : ArgumentsForm.NotJson;
    }
}
