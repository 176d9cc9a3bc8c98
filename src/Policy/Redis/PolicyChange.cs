using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Countersign.Policy.Redis;

/// <summary>What was done to the store's policy. Zero is nothing.</summary>
internal enum PolicyChangeKind : byte
{
    /// <summary>No change; refused where it is read.</summary>
    None = 0,

    /// <summary>A new version, put in force in the same step.</summary>
    Publish,

    /// <summary>A new version that is not in force.</summary>
    Store,

    /// <summary>A stored version was put in force.</summary>
    Activate,

    /// <summary>A gateway gave a store that had lost everything the version that it runs.</summary>
    Restore,
}

/// <summary>
/// One change of policy. Each carries the hash of the one before, so that nobody can take one out of the middle and a
/// store that lost the last ones is found out by whoever has seen them (decision 0037).
/// </summary>
/// <param name="Number">Counts changes, from 1; with gaps only before one that resumes.</param>
/// <param name="Kind">What was done.</param>
/// <param name="Version">The version it was done to.</param>
/// <param name="Sha256">SHA-256 of that version's document.</param>
/// <param name="Author">Who did it, as <see cref="PolicyAuthor.Text"/>.</param>
/// <param name="At">When, by the store's clock, in milliseconds since 1970.</param>
/// <param name="Previous">The hash of the change before, or empty for the first.</param>
/// <param name="Resumes">True if somebody went on from a store that had lost changes, knowing it.</param>
internal sealed record PolicyChange(
    long Number, PolicyChangeKind Kind, long Version, string Sha256, string Author, long At, string Previous,
    bool Resumes)
{
    /// <summary>64 lower-case hexadecimal digits over everything above, each part preceded by its length.</summary>
    [JsonIgnore]
    public string Hash { get; } = HashOf(Number, Kind, Version, Sha256, Author, At, Previous, Resumes);

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, PolicyChanges.Default.PolicyChange);

    /// <summary>Null for what is no change.</summary>
    public static PolicyChange? Read(byte[]? json)
    {
        try
        {
            PolicyChange? change =
                json is null ? null : JsonSerializer.Deserialize(json, PolicyChanges.Default.PolicyChange);
            return change?.Kind is > PolicyChangeKind.None and <= PolicyChangeKind.Restore ? change : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string HashOf(
        long number, PolicyChangeKind kind, long version, string sha256, string author, long at, string previous,
        bool resumes)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "countersign policy change v1");
        Append(hash, number);
        Append(hash, (long)kind);
        Append(hash, version);
        Append(hash, sha256);
        Append(hash, author);
        Append(hash, at);
        Append(hash, previous);
        Append(hash, resumes ? 1 : 0);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string part)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(part);
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Append(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        hash.AppendData(bytes);
    }
}

/// <summary>The strict reader and writer of changes.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.General,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(PolicyChange))]
internal sealed partial class PolicyChanges : JsonSerializerContext;
