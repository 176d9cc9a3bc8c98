using System.Text.Json;

namespace Countersign.Cli.Shipping;

/// <summary>Takes the copies of bodies out of a record, and leaves every other byte as it is.</summary>
internal static class CopyFields
{
    /// <summary>The record without them; itself where it has none.</summary>
    internal static ReadOnlyMemory<byte> Without(ReadOnlyMemory<byte> record)
    {
        if (record.Span.IndexOf("_copy\""u8) < 0) return record;
        try
        {
            return Cut(record);
        }
        catch (JsonException)
        {
            // Not a record of ours, and so nothing that may be shown.
            return "{}"u8.ToArray();
        }
    }

    private static ReadOnlyMemory<byte> Cut(ReadOnlyMemory<byte> record)
    {
        using MemoryStream rest = new(record.Length);
        Utf8JsonReader reader = new(record.Span);
        int kept = 0, previousEnd = 0;
        while (reader.Read())
        {
            if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName)
            {
                previousEnd = (int)reader.BytesConsumed;
                continue;
            }

            bool isCopy = reader.ValueTextEquals("request_copy"u8) || reader.ValueTextEquals("response_copy"u8);
            int before = previousEnd;
            reader.Read();
            reader.Skip();
            previousEnd = (int)reader.BytesConsumed;
            if (!isCopy) continue;

            // With the comma before it: a record begins with its version, never with a copy.
            rest.Write(record.Span[kept..before]);
            kept = previousEnd;
        }

        rest.Write(record.Span[kept..]);
        return rest.ToArray();
    }
}
