using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policy.Revocations;

/// <summary>A revocation as the store holds it.</summary>
internal static class RevocationCodec
{
    internal static byte[] Write(Revocation revocation) =>
        JsonSerializer.SerializeToUtf8Bytes(revocation, RevocationJson.Default.Revocation);

    /// <summary>What was written; null for anything else.</summary>
    internal static Revocation? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            Revocation? read = JsonSerializer.Deserialize(json, RevocationJson.Default.Revocation);
            return read is { Issuer: not null, Name: not null, By: not null, Reason: not null } ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>The strict reader and writer of it.</summary>
[JsonSourceGenerationOptions(
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, IgnoreReadOnlyProperties = true,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Revocation))]
internal sealed partial class RevocationJson : JsonSerializerContext;
