using System.Text.Json;

namespace Countersign.Policy.Review;

/// <summary>Reads who called from a record of the audit.</summary>
public static class AuditedCaller
{
    /// <summary>Null where the record names nobody.</summary>
    /// <param name="record">A record of a call, as the audit writes it.</param>
    public static Caller? Read(JsonElement record)
    {
        JsonElement caller = default;
        bool isThere = record.ValueKind == JsonValueKind.Object
            && record.TryGetProperty("caller", out caller) && caller.ValueKind == JsonValueKind.Object;
        if (!isThere) return null;
        (string issuer, string subject) = (Text(caller, "iss"), Text(caller, "sub"));
        if (issuer.Length == 0 || subject.Length == 0) return null;
        CallerKind kind = Text(caller, "kind") switch
        {
            "human" => CallerKind.Human,
            "agent" => CallerKind.Agent,
            "ci" => CallerKind.Ci,
            "service" => CallerKind.Service,
            _ => CallerKind.Unstated,
        };
        bool isDelegated = caller.TryGetProperty("act", out JsonElement act) && act.ValueKind == JsonValueKind.Object;
        return new Caller(issuer, subject, kind, List(caller, "groups"), List(caller, "chain"))
        {
            IsDelegated = isDelegated,
            Actor = isDelegated ? Text(act, "iss") + "\n" + Text(act, "sub") : "",
        };
    }

    private static string Text(JsonElement record, string name) =>
        record.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";

    private static string[] List(JsonElement record, string name) =>
        record.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String)
                .Select(item => item.GetString()!)]
            : [];
}
