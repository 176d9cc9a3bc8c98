using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Countersign.Cli.Policies.OpenApi;

/// <summary>An OpenAPI document as JSON, whichever of its two notations it came in.</summary>
internal sealed class OpenApiDocument
{
    // A few lines of aliases can name more nodes than there is memory.
    private const int NodesMax = 2_000_000;
    private const int DepthMax = 100;
    private const int ReferencesMax = 32;

    private readonly JsonObject _root;

    private OpenApiDocument(JsonObject root) => _root = root;

    internal JsonObject Root => _root;

    /// <summary>Reads a document; null, and why, if it is none of version 3.0 or 3.1.</summary>
    internal static OpenApiDocument? Read(string text, out string fault)
    {
        fault = "";
        JsonNode? root;
        try
        {
            bool isJson = text.TrimStart().StartsWith('{');
            root = isJson ? JsonNode.Parse(text) : FromYaml(text);
        }
        catch (Exception broken) when (broken is JsonException or YamlException or ArgumentException)
        {
            fault = broken.Message;
            return null;
        }

        if (root is not JsonObject document) fault = "this is no OpenAPI document: it must be a mapping";
        else if (document["swagger"] is not null) fault = "this is OpenAPI 2 (Swagger); convert it to 3.0 or 3.1 first";
        else if (TextOf(document["openapi"]) is not { } version)
        {
            fault = "this is no OpenAPI document: 'openapi' is missing";
        }
        else if (!version.StartsWith("3.0", StringComparison.Ordinal)
            && !version.StartsWith("3.1", StringComparison.Ordinal))
        {
            fault = $"OpenAPI {version} is not supported: 3.0 and 3.1 are";
        }
        else
        {
            return new OpenApiDocument(document);
        }

        return null;
    }

    /// <summary>The object that a node is, or refers to within the document; null, and why, if there is none.</summary>
    internal JsonObject? Resolve(JsonNode? node, out string fault)
    {
        fault = "";
        for (int turn = 0; turn < ReferencesMax; turn++)
        {
            if (node is not JsonObject found) return null;
            if (TextOf(found["$ref"]) is not { } reference) return found;
            if (!reference.StartsWith("#/", StringComparison.Ordinal))
            {
                fault = $"'{reference}' is in another document";
                return null;
            }

            node = _root;
            foreach (string part in reference[2..].Split('/'))
            {
                string name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal)
                    .Replace("~0", "~", StringComparison.Ordinal);
                node = (node as JsonObject)?[name];
            }

            if (node is null) fault = $"'{reference}' names nothing";
        }

        if (fault.Length == 0) fault = "a reference goes round in a circle";
        return null;
    }

    /// <summary>The text of a scalar, or null.</summary>
    internal static string? TextOf(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) ? text
        : node is JsonValue other && other.GetValueKind() == JsonValueKind.Number ? other.ToJsonString() : null;

    /// <summary>The texts of a list; of a scalar, it alone.</summary>
    internal static IEnumerable<string> TextsOf(JsonNode? node) => node is JsonArray list
        ? list.Select(TextOf).OfType<string>()
        : TextOf(node) is { } text ? [text] : [];

    private static JsonNode? FromYaml(string text)
    {
        YamlStream stream = new();
        stream.Load(new StringReader(text));
        if (stream.Documents.Count != 1) throw new ArgumentException("the file must hold one document");
        int nodes = 0;
        return Convert(stream.Documents[0].RootNode, 0, ref nodes);
    }

    private static JsonNode? Convert(YamlNode node, int depth, ref int nodes)
    {
        if (++nodes > NodesMax
            || depth > DepthMax) throw new ArgumentException("the document is too large or too deep");
        switch (node)
        {
            case YamlMappingNode mapping:
                JsonObject map = [];
                foreach ((YamlNode key, YamlNode value) in mapping.Children)
                {
                    map[(key as YamlScalarNode)?.Value ?? ""] = Convert(value, depth + 1, ref nodes);
                }

                return map;
            case YamlSequenceNode sequence:
                JsonArray list = [];
                foreach (YamlNode item in sequence.Children) list.Add(Convert(item, depth + 1, ref nodes));
                return list;
            case YamlScalarNode { Style: ScalarStyle.Plain } plain:
                return Plain(plain.Value ?? "");
            default:
                return JsonValue.Create(((YamlScalarNode)node).Value);
        }
    }

    // The YAML 1.2 core schema, as far as an import looks at values.
    private static JsonValue? Plain(string text) => text switch
    {
        "" or "~" or "null" => null,
        "true" => JsonValue.Create(true),
        "false" => JsonValue.Create(false),
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            => JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };
}
