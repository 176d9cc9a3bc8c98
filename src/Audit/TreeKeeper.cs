using System.Diagnostics.CodeAnalysis;

namespace Countersign.Audit;

/// <summary>
/// The second thread of a log: takes the leaf hashes of what is on disk, grows the tree and its tiles, signs heads, and
/// makes room in the newest segment. Nobody who waits for a commit waits for any of it. While the disk is full it tries
/// again; any other failure, the first, is the log's.
/// </summary>
internal sealed class TreeKeeper
{
    private readonly AuditLogOptions _options;
    private readonly IAuditStorage _storage;
    private readonly TimeProvider _clock;
    private readonly OpenedLog _log;
    private readonly Action<Exception> _failed;
    private readonly object _gate = new();
    private readonly Thread _thread;
    private byte[] _given = new byte[AuditLimits.UnsyncedEntriesMax * AuditLimits.HashBytes];
    private byte[] _taken = new byte[AuditLimits.UnsyncedEntriesMax * AuditLimits.HashBytes];
    private int _givenCount;
    private bool _isEnding;
    private bool _isOver;
    private AuditCheckpoint _checkpoint;
    private long _signedAt;
    private string? _trouble;

    /// <summary>A keeper that is not at work yet.</summary>
    /// <param name="options">Where the log is, and how often it is signed.</param>
    /// <param name="storage">The disk.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">The log; its frontier, tiles and key are the keeper's from here on.</param>
    /// <param name="failed">Told, once, what ended the keeper.</param>
    internal TreeKeeper(
        AuditLogOptions options, IAuditStorage storage, TimeProvider clock, OpenedLog log, Action<Exception> failed)
    {
        (_options, _storage, _clock, _log, _failed) = (options, storage, clock, log, failed);
        _checkpoint = log.Checkpoint;
        _signedAt = clock.GetTimestamp();
        _thread = new Thread(Run) { IsBackground = true, Name = "countersign-audit-tree" };
    }

    internal AuditCheckpoint Checkpoint => Volatile.Read(ref _checkpoint);

    /// <summary>Why the disk has no room for what comes next; null where it has.</summary>
    internal string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Makes the first room, then begins.</summary>
    internal void Start()
    {
        Guarded(Settle);
        _thread.Start();
    }

    /// <summary>
    /// Gives the hashes of entries that are on disk, in order; waits while the keeper has not taken the last ones.
    /// </summary>
    internal void Give(ReadOnlySpan<byte> leaves)
    {
        lock (_gate)
        {
            while (!_isOver && (_givenCount * AuditLimits.HashBytes) + leaves.Length > _given.Length)
                Monitor.Wait(_gate);
            if (_isOver) return;
            leaves.CopyTo(_given.AsSpan(_givenCount * AuditLimits.HashBytes));
            _givenCount += leaves.Length / AuditLimits.HashBytes;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Asks for a look at the room in the newest segment.</summary>
    internal void Nudge()
    {
        lock (_gate) Monitor.PulseAll(_gate);
    }

    /// <summary>Ends the thread, and waits for that. Signs what it was given, unless the log failed.</summary>
    internal void End(bool signs)
    {
        lock (_gate)
        {
            _isEnding = true;
            if (!signs) _isOver = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
    }

    // Whatever goes wrong here would leave a log that nobody can prove, so every exception faults it.
    [SuppressMessage("Design", "CA1031", Justification = "the fault is the log's state, and ends it")]
    private void Guarded(Action step)
    {
        try
        {
            step();
        }
        catch (Exception failure)
        {
            lock (_gate)
            {
                _isOver = true;
                Monitor.PulseAll(_gate);
            }

            _failed(failure);
        }
    }

    private void Run() => Guarded(() =>
    {
        while (TryTake(out int count))
        {
            Grow(count);
            Settle();
        }

        if (_isOver || _log.Frontier.Size == _checkpoint.Size) return;
        UnlessFull(() =>
        {
            _log.Tiles.Write();
            Sign();
        });
    });

    // What a full disk refuses now is still there to be written when it has room again.
    private void Settle() => UnlessFull(() =>
    {
        _log.Tiles.Write();
        if (IsSigningDue()) Sign();
        _log.Segment.Prepare(afterFull: _trouble is not null);
    });

    private void UnlessFull(Action step)
    {
        try
        {
            step();
            Volatile.Write(ref _trouble, null);
        }
        catch (IOException failure) when (DiskFull.Is(failure))
        {
            Volatile.Write(ref _trouble, failure.Message);
            _log.Segment.Room.Lend(0);
        }
    }

    // Waits until there is something to do; false at the end, once all is taken.
    private bool TryTake(out int count)
    {
        lock (_gate)
        {
            if (_trouble is not null && _givenCount == 0 && !_isEnding) Monitor.Wait(_gate, AuditLimits.RetryEvery);
            while (_trouble is null && _givenCount == 0 && !_isEnding && !IsSigningDue() && !_log.Segment.WantsRoom)
            {
                if (_log.Frontier.Size > _checkpoint.Size) Monitor.Wait(_gate, SigningIn());
                else Monitor.Wait(_gate);
            }

            count = _givenCount;
            if (_isOver || (count == 0 && _isEnding)) return false;
            (_given, _taken, _givenCount) = (_taken, _given, 0);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    private void Grow(int count)
    {
        for (int leaf = 0; leaf < count; leaf++)
        {
            int levels = _log.Frontier.Append(_taken.AsSpan(leaf * AuditLimits.HashBytes, AuditLimits.HashBytes));
            for (int level = 0; level < levels; level++)
            {
                _log.Tiles.Put(level, _log.Frontier.TileHashIndex(level), _log.Frontier.TileHash(level));
            }
        }

    }

    // Everything in the tree is on disk, and its hashes are in the tiles, before its root is signed.
    private void Sign()
    {
        Span<byte> root = stackalloc byte[AuditLimits.HashBytes];
        _log.Frontier.Root(root);
        AuditCheckpoint signed = _log.Key.Sign(_log.Frontier.Size, root);
        _storage.Replace(Path.Combine(_options.Folder, LogFolder.CheckpointFile), signed.Note.Span);
        _signedAt = _clock.GetTimestamp();
        Volatile.Write(ref _checkpoint, signed);
    }

    private bool IsSigningDue() =>
        _log.Frontier.Size > _checkpoint.Size && _clock.GetElapsedTime(_signedAt) >= _options.CheckpointEvery;

    private TimeSpan SigningIn()
    {
        TimeSpan left = _options.CheckpointEvery - _clock.GetElapsedTime(_signedAt);
        return left < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : left;
    }
}
