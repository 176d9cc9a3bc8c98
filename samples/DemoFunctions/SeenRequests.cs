using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Countersign.DemoFunctions;

/// <summary>
/// The last requests as they came, for the demo's reader to see what credential an upstream is shown. A real function
/// owner keeps no such thing.
/// </summary>
internal sealed class SeenRequests
{
    private const int RequestsMax = 256;

    private readonly Lock _gate = new();
    private readonly Queue<JsonObject> _seen = new();

    public void Add(HttpRequest request, DateTimeOffset at)
    {
        JsonObject entry = new()
        {
            ["at"] = at.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"),
            ["method"] = request.Method,
            ["path"] = request.Path.Value + request.QueryString.Value,
            ["headers"] = new JsonArray([.. request.Headers.Keys.Select(name => JsonValue.Create(name))]),
            ["authorization"] = request.Headers.Authorization.ToString(),
            ["call"] = request.Headers["Countersign-Call"].ToString(),
            ["idempotency_key"] = request.Headers["Idempotency-Key"].ToString(),
        };
        lock (_gate)
        {
            if (_seen.Count == RequestsMax) _seen.Dequeue();
            _seen.Enqueue(entry);
        }
    }

    /// <summary>Oldest first.</summary>
    public JsonObject ToJson()
    {
        lock (_gate)
        {
            JsonArray requests = [.. _seen.Select(entry => entry.DeepClone())];
            return new JsonObject { ["requests"] = requests };
        }
    }
}
