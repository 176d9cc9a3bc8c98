using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Countersign.Audit;
using Microsoft.Win32.SafeHandles;

namespace Countersign.Bench;

/// <summary>
/// Prints what the audit costs: an append on the caller's thread, batches and flushes of the writer, the wait for a
/// commit, the writer's share of the processor, and how fast a log is verified on one core.
/// </summary>
internal static class AuditSpeed
{
    private const int Committers = 64;
    private const int Commits = 4_000;

    /// <summary>Measures on the disk under the temporary folder.</summary>
    /// <param name="calls">Calls to write, two records each.</param>
    /// <param name="output">Where lines go.</param>
    public static async Task<int> RunAsync(int calls, TextWriter output)
    {
        string folder = Directory.CreateTempSubdirectory("countersign-audit-speed-").FullName;
        try
        {
            AuditLogOptions options = new() { Folder = folder, Origin = "countersign/bench" };
            await AppendAsync(options, calls, output);
            await CommitAsync(options, 1, Commits / 8, output);
            await CommitAsync(options, Committers, Commits, output);
            return Verify(folder, output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task AppendAsync(AuditLogOptions options, int calls, TextWriter output)
    {
        CountingStorage storage = new();
        AuditLog log = AuditLogOpener.Open(options, TimeProvider.System, storage).Log!;
        for (int call = 0; call < 20_000; call++) Append(log, call);
        (long writes, long flushes, long size) = (storage.SegmentWrites, storage.Flushes, log.Size);
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        long startedAt = Stopwatch.GetTimestamp(), spent = 0;
        for (int call = 0; call < calls; call++) spent += Append(log, call);
        double seconds = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        await log.DisposeAsync();
        double processor = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
        double caller = spent / (double)Stopwatch.Frequency;
        long entries = log.Size - size;
        Line(output, $"append, caller's thread      {caller / calls * 1e9,9:N0} ns a call (two records)");
        double writer = (processor - caller) / entries;
        Line(output, $"writer, all it does          {writer * 1e9,9:N0} ns of processor a record");
        Line(output, $"calls a second, one caller   {calls / seconds,9:N0}");
        Line(output, $"records a write, a flush     {entries / (double)(storage.SegmentWrites - writes),9:N0}"
            + $" {entries / (double)(storage.Flushes - flushes),9:N0}");
    }

    private static async Task CommitAsync(AuditLogOptions options, int committers, int commits, TextWriter output)
    {
        CountingStorage storage = new();
        AuditLog log = AuditLogOpener.Open(options, TimeProvider.System, storage).Log!;
        List<double> waits = [];
        long size = log.Size;
        Task[] all =
        [
            .. Enumerable.Range(0, committers).Select(_ => Task.Run(async () =>
            {
                for (int commit = 0; commit < commits / committers; commit++)
                {
                    AuditReservation slot;
                    while (!log.TryReserve(out slot)) await Task.Yield();
                    Record(CallRecordType.Intent, commit).WriteTo(slot.Intent);
                    long askedAt = Stopwatch.GetTimestamp();
                    await log.CommitAsync(slot.Intent);
                    double waited = Stopwatch.GetElapsedTime(askedAt).TotalMicroseconds;
                    log.Return(slot);
                    lock (waits) waits.Add(waited);
                }
            })),
        ];
        await Task.WhenAll(all);
        await log.DisposeAsync();
        waits.Sort();
        Line(output, $"commit, {committers,3} at once          {waits[waits.Count / 2],9:N0} us median"
            + $" {waits[waits.Count * 99 / 100],9:N0} us 99th;"
            + $" {(log.Size - size) / (double)storage.Flushes:N1} records a flush");
    }

    private static int Verify(string folder, TextWriter output)
    {
        double best = double.MaxValue;
        AuditVerification found = AuditVerifier.Verify(folder);
        for (int round = 0; round < 3 && found.IsOk; round++)
        {
            TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
            found = AuditVerifier.Verify(folder);
            best = Math.Min(best, (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds);
        }

        if (!found.IsOk)
        {
            output.WriteLine("the log does not verify: " + found.Message);
            return 1;
        }

        double rate = found.EntriesCovered / best;
        Line(output, $"verify, one core             {rate,9:N0} entries a second of {found.EntriesCovered:N0};"
            + $" ten million in {1e7 / rate:N1} s");
        return 0;
    }

    private static long Append(AuditLog log, int call)
    {
        AuditReservation slot;
        while (!log.TryReserve(out slot)) Never.Wait(1);
        long startedAt = Stopwatch.GetTimestamp();
        Record(CallRecordType.Intent, call).WriteTo(slot.Intent, slot.Outcome);
        log.Enqueue(slot.Intent);
        CallRecord outcome = Record(CallRecordType.Outcome, call);
        outcome.Verdict = "ok";
        outcome.Status = 200;
        outcome.WriteTo(slot.Outcome);
        log.Enqueue(slot.Outcome);
        log.Return(slot);
        return Stopwatch.GetTimestamp() - startedAt;
    }

    private static CallRecord Record(CallRecordType type, int call) => new(type)
    {
        Call = new Guid(call, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1), At = DateTimeOffset.UnixEpoch,
        Gateway = "gateway-1", Issuer = "https://issuer.example", Subject = "deploy-bot", Kind = "agent",
        Groups = Groups, Chain = Chain, Function = "billing.refund", Method = "POST"u8,
        Target = "/billing/42/refunds"u8, Risk = "high", Decision = "allow", Rule = "small-refund",
        PolicyVersion = 12, RequestBytes = 64,
    };

    // Waiting for room is the caller's, and must not be counted as the writer's work.
    private static readonly ManualResetEventSlim Never = new(false, 0);

    private static readonly string[] Groups = ["support", "staff"];
    private static readonly string[] Chain = ["ada"];

    // The repository builds for the invariant culture alone.
    private static void Line(TextWriter output, DefaultInterpolatedStringHandler line) =>
        output.WriteLine(line.ToStringAndClear());

    private sealed class CountingStorage : IAuditStorage
    {
        private readonly DiskStorage _disk = new();
        private readonly ConcurrentDictionary<SafeFileHandle, bool> _segments = [];

        internal long SegmentWrites { get; private set; }

        internal long Flushes { get; private set; }

        public SafeFileHandle Open(string path)
        {
            SafeFileHandle file = _disk.Open(path);
            if (path.EndsWith(".seg", StringComparison.Ordinal)) _segments[file] = true;
            return file;
        }

        public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
        {
            if (_segments.ContainsKey(file) && bytes.ContainsAnyExcept((byte)0)) SegmentWrites++;
            _disk.Write(file, bytes, offset);
        }

        public void Flush(SafeFileHandle file)
        {
            Flushes++;
            _disk.Flush(file);
        }

        public void Truncate(SafeFileHandle file, long length) => _disk.Truncate(file, length);

        public void FlushFolder(string folder) => _disk.FlushFolder(folder);

        public void Rename(string path, string name) => _disk.Rename(path, name);

        public void Replace(string path, ReadOnlySpan<byte> bytes) => _disk.Replace(path, bytes);
    }
}
