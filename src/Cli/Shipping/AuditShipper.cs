using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Shipping;

/// <summary>
/// Ships a log to one destination, from where it was left, for as long as it runs. Each destination has its own: one
/// that is away holds up nobody. At least once, and once where the destination remembers or knows numbers.
/// </summary>
internal sealed partial class AuditShipper : IAsyncDisposable
{
    private readonly string _folder;
    private readonly ShipSource _source;
    private readonly IAuditDestination _destination;
    private readonly TimeProvider _clock;
    private readonly Random _chance;
    private readonly ILogger _log;
    private FileStream? _lock;
    private long _next;
    private long _savedAt;
    private bool _isOpen;
    private bool _isUnsaved;
    private bool _hasOpened;
    private bool _isContradictionTold;
    private TimeSpan _wait = ShipLimits.RetryAfter;

    /// <param name="folder">The log's folder.</param>
    /// <param name="name">The destination's name.</param>
    /// <param name="source">Reads the log; disposed of with this.</param>
    /// <param name="destination">Disposed of with this.</param>
    /// <param name="clock">The time.</param>
    /// <param name="chance">Spreads waits.</param>
    /// <param name="log">Where it logs.</param>
    internal AuditShipper(
        string folder, string name, ShipSource source, IAuditDestination destination, TimeProvider clock,
        Random chance, ILogger log)
    {
        (_folder, _source, _destination, _clock, _chance, _log) = (folder, source, destination, clock, chance, log);
        Progress = new ShipProgress(name);
    }

    /// <summary>How it is doing.</summary>
    internal ShipProgress Progress { get; }

    /// <summary>Raised once when the destination contradicts the log.</summary>
    internal event Action<string>? Contradicted;

    /// <summary>Entries that are signed and not shipped.</summary>
    internal long Lag => Math.Max(0, _source.Signed - Progress.Next);

    /// <summary>Ships until cancelled, or, with <paramref name="untilDone"/>, until all that is signed is shipped.
    /// </summary>
    internal async Task RunAsync(bool untilDone, CancellationToken cancellation)
    {
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                TimeSpan wait = await StepAsync(cancellation);
                if (wait == TimeSpan.Zero) continue;
                if (untilDone && _isOpen && Lag == 0) break;
                await Task.Delay(wait, _clock, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Shipping goes on from the cursor another time.
        }
        finally
        {
            Save(Progress.Status, Progress.Message);
        }
    }

    /// <summary>One batch, or one opening; how long to wait before the next.</summary>
    internal async Task<TimeSpan> StepAsync(CancellationToken cancellation)
    {
        ShipResult result;
        try
        {
            if (_source.Log is not { } log) return ShipLimits.PollEvery;
            if (!_isOpen)
            {
                result = await OpenAsync(log, cancellation);
                if (result.Status != ShipStatus.Taken)
                {
                    NoteOldest();
                    return Fail(result);
                }

                (_isOpen, _hasOpened) = (true, true);
            }

            List<ShippedEntry> entries = _source.Read(_next);
            if (entries.Count == 0) return Rest();
            Progress.Waits(RecordFields.TimeOf(entries[0].Record.Span));
            if (entries[0].Index > _next) TellLost(entries[0].Index);
            ShipBatch batch = new(log, _next, entries);
            result = await _destination.WriteAsync(batch, cancellation);
            if (result.Status == ShipStatus.Taken) return Advance(batch, result);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            result = new ShipResult(ShipStatus.Away, fault.Message);
        }

        return Fail(result);
    }

    public async ValueTask DisposeAsync()
    {
        await _destination.DisposeAsync();
        _source.Dispose();
        if (_lock is not null) await _lock.DisposeAsync();
    }

    private async ValueTask<ShipResult> OpenAsync(LogIdentity log, CancellationToken cancellation)
    {
        if (!TryLock()) return new(ShipStatus.Refused, "another process ships to it");
        ShipCursor? cursor = ShipCursor.Read(_folder, Progress.Name);
        long known = cursor?.Log == log ? Math.Max(cursor.Next, _next) : _next;
        Go(known);
        ShipOpening opening = await _destination.OpenAsync(log, cancellation);
        if (opening.Status != ShipStatus.Taken) return new(opening.Status, opening.Message);
        if (opening.Next < 0) return ShipResult.Taken;

        // What it has that the log has not, or another entry where both have one, is not made up for by going on.
        bool isBeyond = opening.Next > _source.Signed;
        if (isBeyond || (opening.Next > 0 && opening.Leaf is { Length: > 0 } leaf
            && _source.LeafAt(opening.Next - 1) is { } own && !own.AsSpan().SequenceEqual(leaf)))
        {
            string how = isBeyond
                ? $"it holds {opening.Next} entries of the log, which has {_source.Signed} that are signed"
                : $"its entry {opening.Next - 1} is not that of the log";
            return new(ShipStatus.Contradicted, how);
        }

        if (opening.Next < known) LogForgot(_log, Progress.Name, known, opening.Next);

        // A batch that was taken in part, or whose answer was lost. What an earlier process shipped is not counted.
        Go(opening.Next, _hasOpened ? Math.Max(0, opening.Next - known) : 0);
        return ShipResult.Taken;
    }

    // Of a destination that is away from the start nothing was read yet.
    private void NoteOldest()
    {
        if (Progress.IsWaiting || Lag == 0) return;
        if (_source.Read(_next) is [{ } oldest, ..]) Progress.Waits(RecordFields.TimeOf(oldest.Record.Span));
    }

    private void Go(long next, long taken = 0)
    {
        _next = next;
        Progress.Advance(next, taken, 0);
        _isUnsaved = true;
    }

    private TimeSpan Advance(ShipBatch batch, ShipResult result)
    {
        _next = batch.Next;
        Progress.Advance(_next, batch.Entries.Count, result.Rejected);
        if (result.Rejected > 0) LogRejected(_log, Progress.Name, result.Rejected, result.Message);
        TellWell();
        _isUnsaved = true;
        bool isDue = _clock.GetElapsedTime(_savedAt) >= ShipLimits.SavedEvery;
        if (!_destination.Remembers || isDue) Save(ShipStatus.Taken, "");
        return TimeSpan.Zero;
    }

    private TimeSpan Rest()
    {
        Progress.Waits(null);
        TellWell();
        if (_isUnsaved) Save(ShipStatus.Taken, "");
        return ShipLimits.PollEvery;
    }

    private void TellWell()
    {
        if (Progress.Status != ShipStatus.Taken) LogWell(_log, Progress.Name, Lag);
        if (Progress.Status != ShipStatus.Taken || Progress.Message.Length > 0) Progress.Tell(ShipStatus.Taken, "");
        (_wait, _isContradictionTold) = (ShipLimits.RetryAfter, false);
    }

    // Opened anew after every failure: what a destination has may have changed while it was away.
    private TimeSpan Fail(ShipResult result)
    {
        _isOpen = false;
        bool isNew = Progress.Status != result.Status || Progress.Message != result.Message;
        Progress.Tell(result.Status, result.Message);
        if (isNew)
        {
            Save(result.Status, result.Message);
            if (result.Status != ShipStatus.Contradicted)
                LogFailed(_log, Progress.Name, result.Status, result.Message, Lag);
            else TellContradicted(result.Message);
        }

        double spread = 0.75 + (_chance.NextDouble() / 2);
        if (result.Status == ShipStatus.Full)
        {
            _wait = ShipLimits.RetryAfter;
            return ShipLimits.FullRetryAfter * spread;
        }

        TimeSpan wait = _wait * spread;
        _wait = TimeSpan.FromTicks(Math.Min(_wait.Ticks * 2, ShipLimits.RetryAfterMax.Ticks));
        return wait;
    }

    // Once, until entries are taken again: the log grows by being told of it, and with it what is told.
    private void TellContradicted(string how)
    {
        if (_isContradictionTold) return;
        _isContradictionTold = true;
        LogContradicted(_log, Progress.Name, how);
        Contradicted?.Invoke(how);
    }

    private void TellLost(long first)
    {
        long lost = first - _next;
        Progress.Lose(lost);
        LogLost(_log, Progress.Name, _next, first - 1);
    }

    private void Save(ShipStatus status, string message)
    {
        if (_source.Log is not { } log || _lock is null) return;
        try
        {
            new ShipCursor(log, _next, status, message, _clock.GetUtcNow()).Save(_folder, Progress.Name);
            _savedAt = _clock.GetTimestamp();
            _isUnsaved = false;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // An older cursor ships again what was shipped: dear, and harmless.
            LogNotSaved(_log, Progress.Name, fault.Message);
        }
    }

    // One process ships to one destination: two would have to agree on what it expects next.
    private bool TryLock()
    {
        if (_lock is not null) return true;
        string folder = ShipCursor.FolderOf(_folder);
        Directory.CreateDirectory(folder);
        try
        {
            _lock = new FileStream(
                Path.Combine(folder, Progress.Name + ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "Audit entries are not shipped to {Name}: {Status}, {Message}. {Lag} wait")]
    private static partial void LogFailed(ILogger log, string name, ShipStatus status, string message, long lag);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "{Name} contradicts the audit log: {How}. One of the two was rewritten or rolled back, or two logs "
            + "share an origin; nothing more is shipped there")]
    private static partial void LogContradicted(ILogger log, string name, string how);

    [LoggerMessage(Level = LogLevel.Information, Message = "Audit entries are shipped to {Name} again; {Lag} wait")]
    private static partial void LogWell(ILogger log, string name, long lag);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Name} had taken audit entries up to {Known} and expects {Next} now: it lost some. They are shipped "
            + "again")]
    private static partial void LogForgot(ILogger log, string name, long known, long next);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Retention dropped audit entries {First} to {Last} before they were shipped to {Name}")]
    private static partial void LogLost(ILogger log, string name, long first, long last);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} threw away {Entries} audit entries: {Message}")]
    private static partial void LogRejected(ILogger log, string name, long entries, string message);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "How far audit entries are shipped to {Name} could not be kept: {Fault}")]
    private static partial void LogNotSaved(ILogger log, string name, string fault);
}
