using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>An answer as a test looks at it.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Text">The body.</param>
/// <param name="Headers">Headers and content headers, by name.</param>
public sealed record Answer(int Status, string Text, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The body as an object; empty where it is none.</summary>
    public JsonObject Body { get; } = Parse(Text);

    /// <summary>A member of the body as text; empty where it is not there.</summary>
    public string this[string member] => Body[member]?.ToString() ?? "";

    /// <summary>The last part of the problem's type.</summary>
    public string Problem => this["type"].Replace("urn:countersign:", "", StringComparison.Ordinal);

    /// <summary>A header; empty where it is not there.</summary>
    public string Header(string name) => Headers.TryGetValue(name, out string? value) ? value : "";

    /// <summary>Reads a response.</summary>
    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (var header in response.Headers.Concat(response.Content.Headers))
        {
            headers[header.Key] = string.Join(", ", header.Value);
        }

        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(), headers);
    }

    private static JsonObject Parse(string text)
    {
        try
        {
            return text.Length == 0 ? [] : JsonNode.Parse(text) as JsonObject ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
