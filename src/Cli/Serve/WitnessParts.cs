using Countersign.Audit;
using Countersign.Cli.Configuration;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>
/// This gateway as a witness of others, and as a log that others witness: put together and taken apart.
/// </summary>
internal sealed partial class WitnessParts : IAsyncDisposable
{
    private readonly CheckpointWitness _witness;
    private readonly AuditMetrics _metrics;
    private readonly PayloadSeal _seal;
    private readonly HttpMessageInvoker _http;
    private readonly WitnessRounds _rounds;

    private WitnessParts(
        CheckpointWitness witness, AuditMetrics metrics, PayloadSeal seal, HttpMessageInvoker http,
        WitnessRounds rounds)
    {
        (_witness, _metrics, _seal, _http, _rounds) = (witness, metrics, seal, http, rounds);
    }

    /// <summary>What a gateway is called as a witness.</summary>
    internal static string NameOf(string gateway) => "countersign-witness/" + gateway;

    /// <summary>Answers logs over HTTP.</summary>
    internal CheckpointWitness Witness => _witness;

    /// <summary>Opens the witness beside the audit folder, and begins the rounds.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="seal">Seals keys of witnesses; disposed of with the parts.</param>
    /// <param name="store">The store.</param>
    /// <param name="audit">The log.</param>
    /// <param name="clock">The time.</param>
    /// <param name="logs">Where it logs.</param>
    internal static WitnessParts Start(
        GatewayOptions options, PayloadSeal seal, RedisStore store, GatewayAudit audit, TimeProvider clock,
        ILoggerFactory logs)
    {
        ILogger log = logs.CreateLogger<WitnessRounds>();
        Dictionary<string, AuditKey> watched = options.Audit.WitnessFor.ToDictionary(key => key.Name);
        CheckpointWitness witness = CheckpointWitness.Open(
            options.AuditFolder.TrimEnd('/') + ".witness", NameOf(options.Name),
            origin => watched.GetValueOrDefault(origin), clock);
        AuditChain chain = audit.Chain;
        chain.WitnessKey = witness.Key.ToString();
        witness.Answered += (origin, answer) => Take(audit, log, origin, answer);
        FleetWitness? fleet = options.Audit.WitnessesFleet
            ? new FleetWitness(new RedisWitnessStore(store), seal, witness, chain)
            : null;
        HttpMessageInvoker http = new(
            new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });
        HttpWitness[] others = [.. options.Audit.Witnesses.Select(one => new HttpWitness(one, audit.Log, http))];
        WitnessRounds rounds = new(chain, fleet, others, audit, clock, log);
        rounds.Start();
        return new WitnessParts(witness, new AuditMetrics(chain, () => audit.Unshipped), seal, http, rounds);
    }

    // Over the store or over HTTP: what a log shows of itself is told the same.
    private static void Take(GatewayAudit audit, ILogger log, string origin, WitnessAnswer answer)
    {
        if (answer.IsConflict && audit.Chain.NoteConflict(origin, answer.Conflict, answer.IsProven))
        {
            audit.Record(AuditChain.Conflict, answer.Conflict, origin);
            LogContradicted(log, origin, answer.Conflict);
        }

        if (answer.Status == 200 && audit.Chain.EndConflict(origin))
        {
            audit.Record(AuditChain.ConflictEnded, "it has proven that it goes on from what was seen", origin);
            LogContinues(log, origin);
        }
    }

    /// <summary>Ends the rounds, and lets go of keys and connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _rounds.DisposeAsync();
        _metrics.Dispose();
        _http.Dispose();
        _seal.Dispose();
        _witness.Dispose();
    }

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The audit log {Origin} contradicts what was seen of it: {How}. "
            + "Its past was rewritten or rolled back")]
    private static partial void LogContradicted(ILogger log, string origin, string how);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The audit log {Origin} goes on from what was seen of it after all: somebody held out an old head")]
    private static partial void LogContinues(ILogger log, string origin);
}
