using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Countersign.Bench.Masking;

/// <summary>Other ways to walk or mask JSON, to compare with. They mask two field names; none of them streams, keeps
/// bytes as they were, or refuses all that this project refuses.</summary>
internal static partial class MaskPeers
{
    /// <summary>Ten paths, some of which hit.</summary>
    internal static readonly string[] TenPaths =
    [
        "$.statuses[*].user.screen_name", "$[*].card.card_number", "$[*].customer.email", "$..phone_numbers[*]",
        "$.customers[*].email", "$.events.x.name", "$[0].id", "$.users[*].ssn", "$.search_metadata.query",
        "$.card.number",
    ];

    /// <summary>Each way, ready to run over <paramref name="body"/>.</summary>
    internal static IEnumerable<(string Name, Action Turn)> For(byte[] body)
    {
        var output = new ArrayBufferWriter<byte>(2 * body.Length);
        yield return ("Utf8JsonReader walk", () => Walk(body));
        yield return ("Utf8JsonReader to Utf8JsonWriter", () => Rewrite(body, output));
        bool isOne = IsOneText(body);
        if (isOne) yield return ("JsonNode", () => Nodes(body));
        if (isOne) yield return ("Newtonsoft JToken", () => NewtonsoftPeers.Tokens(body));
        yield return ("Newtonsoft reader to writer", () => NewtonsoftPeers.Rewrite(body));
        yield return ("regular expression", () => Fields().Replace(Encoding.UTF8.GetString(body), "$1\"***\""));
    }

    [GeneratedRegex("(\"(?:email|card_number)\"\\s*:\\s*)\"(?:[^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Fields();

    private static Utf8JsonReader Reader(byte[] body) =>
        new(body, new JsonReaderOptions { AllowMultipleValues = true });

    private static bool IsOneText(byte[] body)
    {
        Utf8JsonReader reader = Reader(body);
        int texts = 0;
        while (reader.Read()) texts += reader.CurrentDepth == 0 && reader.TokenType is not
            (JsonTokenType.EndObject or JsonTokenType.EndArray) ? 1 : 0;
        return texts == 1;
    }

    private static void Walk(byte[] body)
    {
        Utf8JsonReader reader = Reader(body);
        while (reader.Read())
        {
        }
    }

    private static void Rewrite(byte[] body, ArrayBufferWriter<byte> output)
    {
        output.ResetWrittenCount();
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
        Utf8JsonReader reader = Reader(body);
        bool hides = false;
        while (reader.Read())
        {
            bool hidesThis = hides;
            hides = false;
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject: writer.WriteStartObject(); break;
                case JsonTokenType.EndObject: writer.WriteEndObject(); break;
                case JsonTokenType.StartArray: writer.WriteStartArray(); break;
                case JsonTokenType.EndArray: writer.WriteEndArray(); break;
                case JsonTokenType.PropertyName:
                    hides = reader.ValueTextEquals("email"u8) || reader.ValueTextEquals("card_number"u8);
                    if (reader.ValueIsEscaped) writer.WritePropertyName(reader.GetString()!);
                    else writer.WritePropertyName(reader.ValueSpan);
                    break;
                case JsonTokenType.String when hidesThis: writer.WriteStringValue("***"u8); break;
                case JsonTokenType.String when reader.ValueIsEscaped:
                    writer.WriteStringValue(reader.GetString());
                    break;
                case JsonTokenType.String: writer.WriteStringValue(reader.ValueSpan); break;
                default: writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true); break;
            }
        }
    }

    private static void Nodes(byte[] body)
    {
        JsonNode? root = JsonNode.Parse(body);
        Hide(root);
        JsonSerializer.SerializeToUtf8Bytes(root);
    }

    private static void Hide(JsonNode? node)
    {
        if (node is JsonArray elements)
        {
            foreach (JsonNode? element in elements) Hide(element);
        }
        else if (node is JsonObject members)
        {
            foreach ((string name, JsonNode? value) in members.ToArray())
            {
                if (name is "email" or "card_number") members[name] = "***";
                else Hide(value);
            }
        }
    }
}
