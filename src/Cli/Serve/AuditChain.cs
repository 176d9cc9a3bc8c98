using Countersign.Audit;
using Countersign.ControlPlane;

namespace Countersign.Cli.Serve;

/// <summary>What this gateway says of its log to those who watch it: alarms, and how many witnesses follow.</summary>
internal sealed class AuditChain(AuditLog log, TimeProvider clock)
{
    internal const string RolledBack = "audit-rolled-back";
    internal const string Forked = "audit-forked";
    internal const string Conflict = "audit-conflict";

    private static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _conflicts = new(StringComparer.Ordinal);
    private IReadOnlyList<WitnessStanding> _witnesses = [];
    private string? _alarm;

    /// <summary>The log.</summary>
    internal AuditLog Log => log;

    /// <summary>Every witness, and how far it has followed.</summary>
    internal IReadOnlyList<WitnessStanding> Witnesses
    {
        get => Volatile.Read(ref _witnesses);
        set => Volatile.Write(ref _witnesses, value);
    }

    /// <summary>Witnesses that cosigned within the last minute.</summary>
    internal int Fresh => Witnesses.Count(one => clock.GetUtcNow() - one.CosignedAt < FreshFor);

    /// <summary>Logs of others that contradicted what this gateway saw of them, each with how.</summary>
    internal IReadOnlyDictionary<string, string> Conflicts
    {
        get
        {
            lock (_gate) return new Dictionary<string, string>(_conflicts, StringComparer.Ordinal);
        }
    }

    /// <summary>Names of what is wrong, in ordinal order.</summary>
    internal IReadOnlyList<string> Alarms
    {
        get
        {
            lock (_gate)
            {
                List<string> alarms = [];
                if (_conflicts.Count > 0) alarms.Add(Conflict);
                if (_alarm is not null) alarms.Add(_alarm);
                return alarms;
            }
        }
    }

    /// <summary>The same for the control listener.</summary>
    internal ChainOfTrust ToTrust() => new(
        [.. Witnesses.Select(one => new ChainWitness(one.Key, one.Through, one.Size, one.CosignedAt, one.Trouble))],
        Conflicts, log.DoubtedBecause);

    /// <summary>Notes another log's contradiction; true the first time.</summary>
    internal bool NoteConflict(string origin, string how)
    {
        lock (_gate) return _conflicts.TryAdd(origin, how);
    }

    /// <summary>Doubts this gateway's own log; true the first time.</summary>
    internal bool Doubt(PastStanding standing, string because)
    {
        lock (_gate)
        {
            if (_alarm is not null) return false;
            _alarm = standing == PastStanding.RolledBack ? RolledBack : Forked;
        }

        log.Doubt(because);
        return true;
    }
}

/// <summary>One witness of this gateway's log.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Through"><c>fleet</c>, or the address that it is asked at.</param>
/// <param name="Size">Entries under the last head that it cosigned; 0 for none.</param>
/// <param name="CosignedAt">When; the beginning of time for never.</param>
/// <param name="Trouble">What went wrong last; empty where nothing did.</param>
internal sealed record WitnessStanding(
    string Key, string Through, long Size, DateTimeOffset CosignedAt, string Trouble);
