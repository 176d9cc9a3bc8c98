using System.Text.Json;
using System.Text.Json.Serialization;
using Countersign.Policy;

namespace Countersign.ControlPlane.Console.Sessions;

/// <summary>A session as it is sealed into the store: the caller that the issuer vouched for, and its span.</summary>
internal sealed record SessionRecord(
    string Issuer, string Subject, CallerKind Kind, string[] Groups, string[] Chain, string Tenant, bool IsDelegated,
    DateTimeOffset BegunAt, DateTimeOffset EndsAt)
{
    public static byte[] Write(Caller caller, DateTimeOffset begunAt, DateTimeOffset endsAt) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new SessionRecord(
                caller.Issuer, caller.Subject, caller.Kind, [.. caller.Groups], [.. caller.Chain], caller.Tenant,
                caller.IsDelegated, begunAt, endsAt),
            SessionRecords.Default.SessionRecord);

    /// <summary>What was written; null for anything else.</summary>
    public static SessionRecord? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, SessionRecords.Default.SessionRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public Caller ToCaller() => new(Issuer, Subject, Kind, Groups, Chain, Tenant) { IsDelegated = IsDelegated };
}

/// <summary>The strict reader and writer of it.</summary>
[JsonSourceGenerationOptions(UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(SessionRecord))]
[JsonSerializable(typeof(SignInRecord))]
internal sealed partial class SessionRecords : JsonSerializerContext;

/// <summary>A sign-in under way, as it is sealed into its cookie.</summary>
internal sealed record SignInRecord(
    string Issuer, string State, string Nonce, string Verifier, string Return, DateTimeOffset EndsAt);
