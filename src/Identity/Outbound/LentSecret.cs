using System.Security.Cryptography;
using System.Text;

namespace Countersign.Identity.Outbound;

/// <summary>A credential's fields, for one call. Wiped when it is disposed of.</summary>
public sealed class LentSecret : IDisposable
{
    private readonly List<(string Name, byte[] Value)> _fields = [];

    /// <summary>Makes one without fields.</summary>
    /// <param name="id">What the audit calls it; nothing that opens anything.</param>
    public LentSecret(string id)
    {
        Id = id;
    }

    /// <summary>What the audit calls it.</summary>
    public string Id { get; }

    /// <summary>Gives it back to who made it, once the call is over; null where nothing is given back.</summary>
    public Action? GiveBack { get; init; }

    /// <summary>A field's bytes; empty where there is none of that name.</summary>
    public ReadOnlySpan<byte> Field(string name) => Bytes(name).Span;

    /// <summary>The same, for longer; zeros once this is disposed of.</summary>
    public ReadOnlyMemory<byte> Bytes(string name) =>
        _fields.Find(one => string.Equals(one.Name, name, StringComparison.Ordinal)).Value;

    /// <summary>Adds a field, whose bytes are this one's from now on.</summary>
    public LentSecret With(string name, byte[] value)
    {
        _fields.Add((name, value));
        return this;
    }

    /// <summary>Adds a field.</summary>
    public LentSecret With(string name, string value) => With(name, Encoding.UTF8.GetBytes(value));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, byte[] value) in _fields) CryptographicOperations.ZeroMemory(value);
        _fields.Clear();
    }
}
