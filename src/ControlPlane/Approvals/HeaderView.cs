using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Countersign.Masking;
using Countersign.Masking.Content;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using MaskAction = Countersign.Masking.MaskAction;

namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// The headers that bind a paused call as one viewer may see them: masked as members of the body of the same names
/// are, by detectors, and by the masks on headers (decision 0056).
/// </summary>
internal static class HeaderView
{
    /// <summary>A JSON array, one object for each header.</summary>
    public static ReadOnlyMemory<byte> Write(
        IReadOnlyList<PayloadHeader> headers, PolicySnapshot? policy, IReadOnlyList<string> viewerGroups,
        string functionId, IReadOnlyDictionary<string, TokenKey> keys)
    {
        IReadOnlyList<MaskTerms> masks = policy?.MasksFor(viewerGroups, functionId) ?? [];
        using JsonDocument? masked = policy is null ? null : Mask(headers, masks, keys);
        ArrayBufferWriter<byte> written = new(64);
        using Utf8JsonWriter json = new(written);
        json.WriteStartArray();
        foreach (PayloadHeader header in headers)
        {
            (string state, string? value) = Show(header, masked);
            json.WriteStartObject();
            json.WriteString("name", header.Name);
            json.WriteString("state", state);
            json.WriteString("value", value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.Flush();
        return written.WrittenMemory;
    }

    private static (string State, string? Value) Show(in PayloadHeader header, JsonDocument? masked)
    {
        switch (header.State)
        {
            case PayloadHeaderState.Absent: return ("absent", null);
            case PayloadHeaderState.Kept: break;
            default: return ("credential", null);
        }

        if (masked is null || !Utf8.IsValid(header.Value.Span)) return ("unreadable", null);
        bool isLeft = masked.RootElement.TryGetProperty(header.Name, out JsonElement value)
            && value.ValueKind != JsonValueKind.Null;
        if (!isLeft) return ("masked", null);
        return ("shown", value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText());
    }

    // Null where it cannot be proven masked: then no value is shown (STYLE rule 16).
    private static JsonDocument? Mask(
        IReadOnlyList<PayloadHeader> headers, IReadOnlyList<MaskTerms> masks,
        IReadOnlyDictionary<string, TokenKey> keys)
    {
        ArrayBufferWriter<byte> plain = new(256);
        using (Utf8JsonWriter json = new(plain))
        {
            json.WriteStartObject();
            foreach (PayloadHeader header in headers)
            {
                if (header.State != PayloadHeaderState.Kept || !Utf8.IsValid(header.Value.Span)) continue;
                WriteOne(json, header, masks, keys);
            }

            json.WriteEndObject();
        }

        ReadOnlyMemory<byte> shown = ArgumentView.Mask(plain.WrittenSpan, masks, keys);
        return shown.IsEmpty ? null : JsonDocument.Parse(shown);
    }

    // Of several masks on one header the one that leaves least of it counts, as for an answer's headers.
    private static void WriteOne(
        Utf8JsonWriter json, in PayloadHeader header, IReadOnlyList<MaskTerms> masks,
        IReadOnlyDictionary<string, TokenKey> keys)
    {
        string name = header.Name;
        MaskTerms? mask = masks.Where(one => one.Headers.Contains(name))
            .MinBy(one => MaskedValue.StrictnessOf((MaskAction)one.Action));
        if (mask is null)
        {
            json.WriteString(name, header.Value.Span);
            return;
        }

        MaskAction action = (MaskAction)mask.Action;
        if (action is MaskAction.Null or MaskAction.Drop)
        {
            json.WriteNull(name);
            return;
        }

        ArrayBufferWriter<byte> left = new(64);
        TokenKey? key = mask.Key is null ? null : keys.GetValueOrDefault(mask.Key);
        new MaskedValue(action, key, name).Write(header.Value.Span, left);
        json.WriteString(name, left.WrittenSpan);
    }
}
