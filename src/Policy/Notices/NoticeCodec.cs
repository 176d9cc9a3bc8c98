using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policy.Notices;

/// <summary>A notice as the store keeps it: versioned JSON, read strictly.</summary>
public static class NoticeCodec
{
    private const int Version = 1;

    /// <summary>The notice as UTF-8 JSON.</summary>
    public static byte[] Write(Notice notice)
    {
        ArgumentNullException.ThrowIfNull(notice);
        return JsonSerializer.SerializeToUtf8Bytes(
            new StoredNotice(
                Version, notice.Id, notice.Webhook, notice.Event, notice.Approval, notice.At, notice.Body),
            StoredNotices.Default.StoredNotice);
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null for anything else.</summary>
    public static Notice? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, StoredNotices.Default.StoredNotice) is { V: Version } stored
                ? new Notice(stored.Id, stored.Webhook, stored.Event, stored.Approval, stored.At, stored.Body)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Form 1.</summary>
internal sealed record StoredNotice(
    int V, string Id, string Webhook, string Event, string Approval, DateTimeOffset At, string Body);

/// <summary>The strict reader and writer of form 1.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(StoredNotice))]
internal sealed partial class StoredNotices : JsonSerializerContext;
