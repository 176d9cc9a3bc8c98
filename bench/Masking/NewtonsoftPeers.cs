using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Countersign.Bench.Masking;

/// <summary>Newtonsoft's ways to mask two field names.</summary>
internal static class NewtonsoftPeers
{
    /// <summary>Token by token.</summary>
    internal static void Rewrite(byte[] body)
    {
        using var reader = new JsonTextReader(new StreamReader(new MemoryStream(body)))
        {
            SupportMultipleContent = true, DateParseHandling = DateParseHandling.None,
        };
        using var writer = new JsonTextWriter(new StreamWriter(new MemoryStream(body.Length * 2)));
        bool hides = false;
        while (reader.Read())
        {
            if (hides && reader.TokenType == JsonToken.String) writer.WriteValue("***");
            else writer.WriteToken(reader.TokenType, reader.Value);
            hides = reader.TokenType == JsonToken.PropertyName && reader.Value is "email" or "card_number";
        }
    }

    /// <summary>The whole document, changed.</summary>
    internal static void Tokens(byte[] body)
    {
        JToken root = JToken.Parse(Encoding.UTF8.GetString(body));
        foreach (JToken value in root.SelectTokens("$..['email','card_number']").ToArray()) value.Replace("***");
        Encoding.UTF8.GetBytes(root.ToString(Formatting.None));
    }
}
