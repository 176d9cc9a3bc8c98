using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.Policy.Approvals;

/// <summary>A header that the function names as binding.</summary>
/// <param name="Name">Lower case, as in <see cref="Function.BindingHeaders"/>.</param>
/// <param name="Value">The value as sent; null when the call has no such header, which is not the same as an empty
/// one.</param>
public readonly record struct BindingHeader(string Name, ReadOnlyMemory<byte>? Value);

/// <summary>What makes two calls one (DESIGN 4.2).</summary>
public readonly ref struct CallParts
{
    /// <summary>Who calls: tenant, issuer, subject and human chain are part of the digest.</summary>
    public required Caller Caller { get; init; }

    /// <summary>The function's id.</summary>
    public required string FunctionId { get; init; }

    /// <summary>The HTTP method as sent.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query as sent; for MCP the tool's name.</summary>
    public required ReadOnlySpan<byte> Target { get; init; }

    /// <summary>The binding headers, in the function's order.</summary>
    public ReadOnlySpan<BindingHeader> Headers { get; init; }

    /// <summary>The content type as sent, or empty.</summary>
    public ReadOnlySpan<byte> ContentType { get; init; }

    /// <summary>The exact body; for MCP the exact bytes of <c>arguments</c>.</summary>
    public ReadOnlySequence<byte> Body { get; init; }
}

/// <summary>
/// The digest that approvers approve and a claim checks again. Every part is preceded by its length, so that no two
/// different calls have the same encoding.
/// </summary>
public static class CallDigest
{
    /// <summary>How a digest begins.</summary>
    public const string Prefix = "sha256:";

    /// <summary>Length of a written digest, in characters.</summary>
    public const int Characters = 71;

    private const int StackBytesMax = 256;
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <summary><c>sha256:</c> and 64 lower-case hexadecimal digits.</summary>
    public static string Compute(in CallParts parts)
    {
        ArgumentNullException.ThrowIfNull(parts.Caller);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, parts.Caller.IsDelegated ? "countersign delegated call v1"u8 : "countersign call v1"u8);
        if (parts.Caller.IsDelegated) Append(hash, parts.Caller.Actor);
        Append(hash, parts.Caller.Tenant);
        Append(hash, parts.Caller.Issuer);
        Append(hash, parts.Caller.Subject);
        AppendCount(hash, parts.Caller.Chain.Count);
        for (int person = 0; person < parts.Caller.Chain.Count; person++) Append(hash, parts.Caller.Chain[person]);
        Append(hash, parts.FunctionId);
        Append(hash, parts.Method);
        Append(hash, parts.Target);
        AppendCount(hash, parts.Headers.Length);
        foreach (ref readonly BindingHeader header in parts.Headers) AppendHeader(hash, in header);
        Append(hash, parts.ContentType);
        AppendBody(hash, parts.Body);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return string.Concat(Prefix, Convert.ToHexStringLower(digest));
    }

    /// <summary>True for a digest as this class writes it.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> digest) =>
        digest.Length == Characters && digest.StartsWith(Prefix, StringComparison.Ordinal) &&
        !digest[Prefix.Length..].ContainsAnyExcept(LowerHex);

    private static void AppendHeader(IncrementalHash hash, in BindingHeader header)
    {
        Append(hash, header.Name);
        AppendCount(hash, header.Value is null ? 0 : 1);
        if (header.Value is { } value) Append(hash, value.Span);
    }

    private static void AppendBody(IncrementalHash hash, in ReadOnlySequence<byte> body)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(length, body.Length);
        hash.AppendData(length);
        foreach (ReadOnlyMemory<byte> segment in body) hash.AppendData(segment.Span);
    }

    private static void Append(IncrementalHash hash, string part)
    {
        int bytesMax = Encoding.UTF8.GetMaxByteCount(part.Length);
        byte[]? rented = bytesMax > StackBytesMax ? ArrayPool<byte>.Shared.Rent(bytesMax) : null;
        Span<byte> buffer = rented ?? stackalloc byte[StackBytesMax];
        Append(hash, buffer[..Encoding.UTF8.GetBytes(part, buffer)]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        AppendCount(hash, part.Length);
        hash.AppendData(part);
    }

    private static void AppendCount(IncrementalHash hash, int count)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, count);
        hash.AppendData(bytes);
    }
}
