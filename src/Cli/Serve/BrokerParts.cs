using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Countersign.Cli.Configuration;
using Countersign.Identity.Outbound;
using Countersign.Identity.Outbound.Brokers;
using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>The brokers of a configuration, put together.</summary>
internal sealed class BrokerParts(
    CredentialSettings settings, ProcessSecrets secrets, TimeProvider clock, ILoggerFactory logs) : IAsyncDisposable
{
    private readonly Stack<IDisposable> _parts = new();
    private LeaseDesk? _leases;

    /// <summary>Opens them; a secret or a file that cannot be had ends the start.</summary>
    /// <param name="store">Where secrets are noted that must be revoked.</param>
    /// <param name="start">This start of this gateway.</param>
    internal CredentialBrokers Open(RedisStore store, string start)
    {
        _leases = new LeaseDesk(new RedisLeaseStore(store), start, clock, logs.CreateLogger<LeaseDesk>());
        Dictionary<string, ICredentialBroker> brokers = new(StringComparer.Ordinal);
        foreach (BrokerSetting setting in settings.Brokers) brokers[setting.Name] = Open(setting);
        _leases.Start();
        return new CredentialBrokers(brokers, settings.BrokerWithin, clock);
    }

    public async ValueTask DisposeAsync()
    {
        if (_leases is not null) await _leases.DisposeAsync();
        while (_parts.TryPop(out IDisposable? part)) part.Dispose();
    }

    private ICredentialBroker Open(BrokerSetting setting)
    {
        switch (setting.Kind)
        {
            case CredentialBroker.Static:
                return Keep(new StaticBroker(setting.Name, FieldsOf(setting), setting.Endpoints));
            case CredentialBroker.Vault:
                (_, SecretReference secret) = setting.Secrets[0];
                string place = setting.Place;

                // Opened once now, so that a start without it fails, and anew at each login.
                secrets.Open(secret, place).AsSpan().Clear();
                VaultOptions vault = new(
                    setting.Name, setting.Address!, setting.Login, () => secrets.TryOpen(secret, place))
                {
                    Namespace = setting.Namespace, Role = setting.Who, Mount = setting.Mount,
                };
                return Keep(new VaultBroker(vault, Http(setting), _leases!, clock));
            default:
                OAuthClient client = new(
                    setting.Name, setting.Address!, setting.Who, secrets.Open(setting.Secrets[0].Secret, setting.Place),
                    setting.Authentication)
                {
                    AssertionAudience = setting.AssertionAudience,
                };
                return Keep(new OAuthBroker(setting.Kind, client, Http(setting), settings.BrokerWithin, clock));
        }
    }

    private List<(string, byte[])> FieldsOf(BrokerSetting setting)
    {
        List<(string, byte[])> fields = [];
        foreach ((string field, SecretReference reference) in setting.Secrets)
        {
            byte[] secret = secrets.Open(reference, setting.Place);
            if (secret.Length == 0) throw new StartRefusedException($"{setting.Place}: the secret is empty.");
            fields.Add((field, secret));
            if (setting.Who.Length == 0 || field != CredentialPlace.Token) continue;
            fields.Add(("username", Encoding.UTF8.GetBytes(setting.Who)));
            fields.Add(("password", [.. secret]));
        }

        return fields;
    }

    private BrokerHttp Http(BrokerSetting setting)
    {
        if (setting.Authorities is not { } file) return Keep(BrokerHttp.Open(null));
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StartRefusedException($"{setting.Place}.ca: {fault.Message}", fault);
        }

        return authorities.Count > 0
            ? Keep(BrokerHttp.Open(authorities))
            : throw new StartRefusedException($"{setting.Place}.ca: the file holds no certificate.");
    }

    private T Keep<T>(T part)
        where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }
}
