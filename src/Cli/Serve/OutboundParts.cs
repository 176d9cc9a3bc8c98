using Countersign.Cli.Configuration;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>What lends credentials, put together: the fleet's signing keys, and who is asked for calls in
/// flight.</summary>
internal sealed class OutboundParts(CredentialSettings settings, TimeProvider clock, ILoggerFactory logs)
    : IAsyncDisposable
{
    private PayloadSeal? _seal;
    private SigningKeyKeeper? _keeper;

    /// <summary>Keeps the keys, and changes them.</summary>
    internal SigningKeyKeeper Keeper => _keeper!;

    /// <summary>The keys.</summary>
    internal SigningKeyRing Keys => _keeper!.Ring;

    /// <summary>Asks gateways for their calls.</summary>
    internal ILentCalls? LentCalls { get; private set; }

    /// <summary>Takes the fleet's keys from the store; the first gateway makes them.</summary>
    internal async Task StartAsync(RedisStore store, byte[] sealingKey)
    {
        _seal = new PayloadSeal(sealingKey, PayloadSeal.SecretLabel);
        (_keeper, string fault) = await SigningKeyKeeper.StartAsync(
            new RedisSigningKeyStore(store), _seal, settings.Signing, clock, logs.CreateLogger<SigningKeyKeeper>());
        if (_keeper is null) throw new StartRefusedException(fault);
        LentCalls = await RedisLentCalls.OpenAsync(store, clock);
    }

    public async ValueTask DisposeAsync()
    {
        if (_keeper is not null) await _keeper.DisposeAsync();
        _seal?.Dispose();
    }
}
