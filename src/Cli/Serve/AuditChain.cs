using Countersign.Audit;
using Countersign.ControlPlane;

namespace Countersign.Cli.Serve;

/// <summary>What this gateway says of its log to those who watch it: alarms, and how many witnesses follow.</summary>
internal sealed class AuditChain
{
    internal const string RolledBack = "audit-rolled-back";
    internal const string Forked = "audit-forked";
    internal const string Conflict = "audit-conflict";
    internal const string ConflictEnded = "audit-conflict-ended";
    internal const string Unwitnessed = "audit-unwitnessed";

    private static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(1);

    private readonly AuditLog _log;
    private readonly TimeProvider _clock;
    private readonly int _quorum;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string How, bool IsProven)> _conflicts = new(StringComparer.Ordinal);
    private IReadOnlyList<WitnessStanding> _witnesses = [];
    private string? _alarm;

    /// <summary>The chain of a log that nobody follows yet.</summary>
    /// <param name="log">The log.</param>
    /// <param name="clock">The time.</param>
    /// <param name="quorum">Witnesses that must be near for high and critical functions; 0 for none.</param>
    internal AuditChain(AuditLog log, TimeProvider clock, int quorum)
    {
        (_log, _clock, _quorum) = (log, clock, quorum);
        if (quorum > 0) log.HoldWitnessedUntil(DateTimeOffset.MinValue);
    }

    /// <summary>The log.</summary>
    internal AuditLog Log => _log;

    /// <summary>Every witness, and how far it has followed.</summary>
    internal IReadOnlyList<WitnessStanding> Witnesses => Volatile.Read(ref _witnesses);

    /// <summary>Witnesses that followed the log to its end, as it was, within the last minute.</summary>
    internal int Fresh => Witnesses.Count(one => _clock.GetUtcNow() - one.LevelAt < FreshFor);

    /// <summary>Why high and critical functions are refused for want of witnesses; null where they are not.</summary>
    internal string? UnwitnessedBecause => _clock.GetUtcNow() <= _log.WitnessedUntil
        ? null
        : $"{Fresh} of {_quorum} witnesses that are required have followed this log within the last minute";

    /// <summary>Takes how far the witnesses are. With as many as are required, they count for a minute.</summary>
    internal void Follow(IReadOnlyList<WitnessStanding> witnesses)
    {
        Volatile.Write(ref _witnesses, witnesses);
        if (_quorum == 0) return;
        DateTimeOffset[] level = [.. witnesses.Select(one => one.LevelAt).OrderDescending()];
        bool isMet = level.Length >= _quorum && level[_quorum - 1] > DateTimeOffset.MinValue;
        _log.HoldWitnessedUntil(isMet ? level[_quorum - 1] + FreshFor : DateTimeOffset.MinValue);
    }

    /// <summary>Logs of others that contradicted what this gateway saw of them, each with how.</summary>
    internal IReadOnlyDictionary<string, string> Conflicts
    {
        get
        {
            lock (_gate) return _conflicts.ToDictionary(one => one.Key, one => one.Value.How, StringComparer.Ordinal);
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
                if (UnwitnessedBecause is not null) alarms.Add(Unwitnessed);
                return alarms;
            }
        }
    }

    /// <summary>The same for the control listener.</summary>
    internal ChainOfTrust ToTrust() => new(
        [.. Witnesses.Select(one => new ChainWitness(one.Key, one.Through, one.Size, one.CosignedAt, one.Trouble))],
        Conflicts, _log.DoubtedBecause)
    {
        Unwitnessed = UnwitnessedBecause, WitnessKey = WitnessKey,
    };

    /// <summary>This gateway's own key as a witness of others.</summary>
    internal string WitnessKey { get; set; } = "";

    /// <summary>Notes another log's contradiction; true the first time, and when it is proven for the first
    /// time.</summary>
    internal bool NoteConflict(string origin, string how, bool isProven)
    {
        lock (_gate)
        {
            bool isKnown = _conflicts.TryGetValue(origin, out (string How, bool IsProven) noted);
            if (isKnown && (noted.IsProven || !isProven)) return false;
            _conflicts[origin] = (how, isProven);
            return true;
        }
    }

    /// <summary>Takes back what was not proven, once the log has shown that it goes on from what was seen; true where
    /// there was something.</summary>
    internal bool EndConflict(string origin)
    {
        lock (_gate)
        {
            bool isOpen = _conflicts.TryGetValue(origin, out (string How, bool IsProven) noted) && !noted.IsProven;
            return isOpen && _conflicts.Remove(origin);
        }
    }

    /// <summary>Doubts this gateway's own log; true the first time.</summary>
    internal bool Doubt(PastStanding standing, string because)
    {
        lock (_gate)
        {
            if (_alarm is not null) return false;
            _alarm = standing == PastStanding.RolledBack ? RolledBack : Forked;
        }

        _log.Doubt(because);
        return true;
    }
}

/// <summary>One witness of this gateway's log.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Through"><c>fleet</c>, or the address that it is asked at.</param>
/// <param name="Size">Entries under the last head that it cosigned; 0 for none.</param>
/// <param name="CosignedAt">When; the beginning of time for never.</param>
/// <param name="LevelAt">When it last had cosigned the newest head that was held out to it.</param>
/// <param name="Trouble">What went wrong last; empty where nothing did.</param>
internal sealed record WitnessStanding(
    string Key, string Through, long Size, DateTimeOffset CosignedAt, DateTimeOffset LevelAt, string Trouble);
