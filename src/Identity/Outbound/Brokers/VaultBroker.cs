using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Countersign.Policy;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>
/// Lends a vault's secret: one made for the call and revoked with it, or a wrapping token of one use. What must be
/// revoked is noted in the store before it is used.
/// </summary>
public sealed class VaultBroker : ICredentialBroker, IDisposable
{
    private const string AccessorPrefix = "accessor:";

    private readonly VaultOptions _options;
    private readonly VaultClient _vault;
    private readonly LeaseDesk _leases;

    /// <summary>Makes one.</summary>
    /// <param name="options">Which vault.</param>
    /// <param name="http">What it speaks through. Not disposed of here.</param>
    /// <param name="leases">Revokes what was lent.</param>
    /// <param name="clock">The time.</param>
    public VaultBroker(VaultOptions options, BrokerHttp http, LeaseDesk leases, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(leases);
        _options = options;
        _vault = new VaultClient(options, http, clock);
        _leases = leases;
        leases.Know(options.Name, RevokeAsync);
    }

    /// <inheritdoc/>
    public CredentialBroker Kind => CredentialBroker.Vault;

    /// <inheritdoc/>
    public async ValueTask<Lending> LendAsync(LendRequest request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        TimeSpan? wrapFor = request.Terms.IsWrapped ? request.Terms.TimeToLive : null;
        BrokerAnswer answer = await _vault.AskAsync(
            HttpMethod.Get, request.Terms.Path, null, wrapFor, cancellation);
        (string Lease, List<(string, byte[])> Fields, string Fault) read;
        try
        {
            read = Read(answer, request.Terms.IsWrapped);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(answer.Body);
        }

        if (read.Fault.Length > 0) return Lending.Failed($"the vault '{_options.Name}' {read.Fault}");
        Action? giveBack = null;
        if (read.Lease.Length > 0)
        {
            HeldLease held = new(_options.Name, read.Lease);
            giveBack = () => _leases.GiveBack(held);
            if (!await _leases.TryNoteAsync(held))
            {
                Wipe(read.Fields);
                giveBack();
                return Lending.Failed("the store did not take the note of the secret that must be revoked");
            }
        }

        LentSecret secret = new($"vault:{_options.Name}:{read.Lease}") { GiveBack = giveBack };
        foreach ((string name, byte[] value) in read.Fields) secret.With(name, value);
        return new Lending(secret, "");
    }

    /// <inheritdoc/>
    public void Dispose() => _vault.Dispose();

    // True when it is gone: a vault that does not know it (any more) has revoked it.
    private async ValueTask<bool> RevokeAsync(string lease, CancellationToken cancellation)
    {
        bool isAccessor = lease.StartsWith(AccessorPrefix, StringComparison.Ordinal);
        string path = isAccessor ? "auth/token/revoke-accessor" : "sys/leases/revoke";
        byte[] body = isAccessor
            ? VaultClient.Body("accessor", lease[AccessorPrefix.Length..])
            : VaultClient.Body("lease_id", lease);
        BrokerAnswer answer = await _vault.AskAsync(HttpMethod.Put, path, body, null, cancellation);
        return answer.Status is 200 or 204 or 400 or 404;
    }

    private static (string Lease, List<(string, byte[])> Fields, string Fault) Read(
        BrokerAnswer answer, bool isWrapped)
    {
        if (answer.Fault.Length > 0) return ("", [], answer.Fault);
        if (answer.Status != 200) return ("", [], $"answered {answer.Status}");
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Body);
            JsonElement root = document.RootElement;
            return isWrapped ? ReadWrapped(root.GetProperty("wrap_info")) : ReadSecret(root);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return ("", [], "answered nothing that can be read");
        }
    }

    private static (string Lease, List<(string, byte[])> Fields, string Fault) ReadWrapped(JsonElement wrap)
    {
        string token = wrap.GetProperty("token").GetString() ?? "";
        string accessor = wrap.GetProperty("accessor").GetString() ?? "";
        return token.Length == 0 || accessor.Length == 0
            ? ("", [], "did not wrap the secret")
            : (AccessorPrefix + accessor, [(CredentialPlace.Token, Encoding.UTF8.GetBytes(token))], "");
    }

    private static (string Lease, List<(string, byte[])> Fields, string Fault) ReadSecret(JsonElement root)
    {
        string lease = root.TryGetProperty("lease_id", out JsonElement named) ? named.GetString() ?? "" : "";
        if (lease.Contains('\n', StringComparison.Ordinal)) return ("", [], "named a lease that no lease is named");
        JsonElement data = root.GetProperty("data");

        // Version 2 of the store of plain secrets has them one level deeper.
        bool isVersioned = data.TryGetProperty("data", out JsonElement inner) && inner.ValueKind == JsonValueKind.Object
            && data.TryGetProperty("metadata", out _);
        List<(string, byte[])> fields = [];
        foreach (JsonProperty field in (isVersioned ? inner : data).EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.String)
                fields.Add((field.Name, Encoding.UTF8.GetBytes(field.Value.GetString()!)));
        }

        return (lease, fields, fields.Count == 0 ? "gave a secret without a field" : "");
    }

    private static void Wipe(List<(string, byte[])> fields)
    {
        foreach ((_, byte[] value) in fields) CryptographicOperations.ZeroMemory(value);
    }
}
