using System.Security.Cryptography;
using Countersign.Policy;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>Lends a secret of the configuration, to the endpoints that it is for.</summary>
public sealed class StaticBroker : ICredentialBroker, IDisposable
{
    private readonly string _name;
    private readonly IReadOnlyList<(string Field, byte[] Value)> _fields;
    private readonly IReadOnlyList<Uri> _endpoints;

    /// <summary>Makes one.</summary>
    /// <param name="name">Its name, which the audit shows.</param>
    /// <param name="fields">Its fields; owned, and wiped when it is disposed of.</param>
    /// <param name="endpoints">Where it may be sent; empty says everywhere.</param>
    public StaticBroker(
        string name, IReadOnlyList<(string Field, byte[] Value)> fields, IReadOnlyList<Uri> endpoints)
    {
        _name = name;
        _fields = fields;
        _endpoints = endpoints;
    }

    /// <inheritdoc/>
    public CredentialBroker Kind => CredentialBroker.Static;

    /// <inheritdoc/>
    public ValueTask<Lending> LendAsync(LendRequest request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);

        // Whoever writes policy could otherwise send the secret to a server of their own.
        if (_endpoints.Count > 0 && !request.Endpoints.All(_endpoints.Contains))
            return new(Lending.Failed($"the secret '{_name}' is not for every endpoint of the upstream"));
        LentSecret secret = new("static:" + _name);
        foreach ((string field, byte[] value) in _fields) secret.With(field, value.AsSpan().ToArray());
        return new(new Lending(secret, ""));
    }

    /// <summary>Wipes the secret.</summary>
    public void Dispose()
    {
        foreach ((_, byte[] value) in _fields) CryptographicOperations.ZeroMemory(value);
    }
}
