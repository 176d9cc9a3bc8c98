using Microsoft.Win32.SafeHandles;

namespace Countersign.Audit.Tests;

/// <summary>A disk that says that bytes are safe when they are not, and a machine that then stops.</summary>
public sealed class LyingStorageTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_start_goes_on_over_what_a_lie_lost(bool lies)
    {
        // Proves from 40 seeds, each a crash of which an honest disk loses what was not flushed, and a lying one
        // anything since it began to lie, at any byte: the next start opens with all that was acknowledged while the
        // disk was honest, and a log that verifies; or it refuses, and only where the disk lied.
        int refused = 0;
        for (int seed = 1; seed <= 40; seed++)
        {
            using LogFixture fixture = new();
            LossyStorage storage = new(seed);
            AuditLogOptions options = fixture.Options with
            {
                SegmentBytesMax = 1_024,
                CheckpointEvery = TimeSpan.FromMilliseconds(1),
            };
            AuditLog log = AuditLogOpener.Open(options, TimeProvider.System, storage).Log!;
            await LogFixture.AppendAsync(log, 0, 20);
            storage.Lies = lies;
            await LogFixture.AppendAsync(log, 20, 20 + (seed % 17));
            // Something must have been signed that the disk then loses.
            while (lies && seed % 17 > 0 && log.LastCheckpoint!.Size <= 20) await Task.Yield();
            storage.Crash();
            await log.DisposeAsync();
            File.Delete(fixture.PathOf(LogFolder.LockFile));
            storage.Restore();
            AuditLogOpening opening = AuditLog.Open(options, TimeProvider.System);
            if (opening.Log is null)
            {
                Assert.True(lies, $"seed {seed}: {opening}");
                refused++;
                continue;
            }

            long least = lies ? 20 : 20 + (seed % 17);
            Assert.True(opening.Log.Size >= least, $"seed {seed}: {opening.Log.Size} of {least}");
            await opening.Log.DisposeAsync();
            AuditVerification found = fixture.Verify();
            Assert.True(found.IsOk, $"seed {seed}: {found.Message}");
            for (long entry = 0; entry < opening.Log.Size; entry++)
            {
                AuditEntry held = Assert.Single(AuditReader.Between(fixture.Folder, entry, entry + 1));
                Assert.Equal(LogFixture.Payload(entry), held.Payload.ToArray());
            }
        }

        Assert.True(!lies || refused > 0, "no lie was found out, so none was told");
    }

    /// <summary>Keeps, of every file, what would be on the disk if the machine stopped now.</summary>
    private sealed class LossyStorage(int seed) : IAuditStorage
    {
        private readonly DiskStorage _disk = new();
        private readonly Random _chance = new(seed);
        private readonly Dictionary<string, byte[]> _safe = [];
        private readonly Dictionary<SafeFileHandle, string> _paths = [];
        private readonly Lock _gate = new();
        private volatile bool _isOver;

        internal bool Lies { get; set; }

        public SafeFileHandle Open(string path)
        {
            SafeFileHandle file = _disk.Open(path);
            lock (_gate)
            {
                _paths[file] = path;
                _safe.TryAdd(path, []);
            }

            return file;
        }

        public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
        {
            if (_isOver) throw new IOException("the machine has stopped");
            _disk.Write(file, bytes, offset);
        }

        public void Flush(SafeFileHandle file)
        {
            if (_isOver) throw new IOException("the machine has stopped");
            if (Lies) return;
            lock (_gate) _safe[_paths[file]] = Read(_paths[file]);
        }

        public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

        public void FlushFolder(string folder)
        {
        }

        public void Rename(string path, string name)
        {
            if (_isOver) throw new IOException("the machine has stopped");
            _disk.Rename(path, name);
            lock (_gate)
            {
                if (_safe.Remove(path, out byte[]? safe)) _safe[name] = safe;
                foreach (SafeFileHandle file in _paths.Keys.Where(one => _paths[one] == path).ToList())
                    _paths[file] = name;
            }
        }

        public void Replace(string path, ReadOnlySpan<byte> bytes)
        {
            if (_isOver) throw new IOException("the machine has stopped");
            _disk.Replace(path, bytes);
            lock (_gate) _safe[path] = bytes.ToArray();
        }

        internal void Crash() => _isOver = true;

        // Of what was not flushed, a beginning may have come to the disk all the same.
        internal void Restore()
        {
            foreach ((string path, byte[] safe) in _safe)
            {
                byte[] now = Read(path);
                int more = now.Length > safe.Length ? _chance.Next(now.Length - safe.Length + 1) : 0;
                if (path.Contains("/tile/", StringComparison.Ordinal) && safe.Length + more == 0) File.Delete(path);
                else File.WriteAllBytes(path, [.. safe, .. now.AsSpan(Math.Min(safe.Length, now.Length), more)]);
            }
        }

        private static byte[] Read(string path)
        {
            if (!File.Exists(path)) return [];
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
    }
}
