using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Countersign.Masking;
using Countersign.Masking.Detectors;

namespace Countersign.Bench.Masking;

/// <summary>
/// Prints how fast bodies go through the mask: GB/s of this thread's own processor time, the ratio to a plain copy and
/// the bytes allocated per body, beside other ways to the same end. MASK_CORPORA names a folder of JSON files; without
/// it a payments corpus is made.
/// </summary>
internal static class MaskSpeed
{
    private const int ChunkBytes = 4_096;
    private const double SecondsPerRow = 0.25;
    private const int Rounds = 3;

    private static readonly (string Name, MaskProgram Program)[] Rules =
    [
        ("no rule matches", MaskProgram.Compile([new("no_such_field", MaskAction.Redact)])),
        ("two field names", MaskProgram.Compile(
            [new("email", MaskAction.Redact), new("card_number", MaskAction.KeepLast4)])),
        ("four field names", MaskProgram.Compile(
            [.. new[] { "email", "ssn", "pan", "cvv" }.Select(name => new MaskRule(name, MaskAction.Redact))])),
        ("ten paths", MaskProgram.Compile(
            [.. MaskPeers.TenPaths.Select(path => new MaskRule(path, MaskAction.Redact))])),
        ("root path", MaskProgram.Compile([new("$.no.such.path", MaskAction.Redact)])),
        ("all detectors", MaskProgram.Compile(
            [new("", MaskAction.Redact) { Detect = (DetectorSet)((uint)DetectorSet.HighEntropy * 2 - 1) }])),
    ];

    /// <summary>Prints all of it.</summary>
    internal static void Run(string? only, TextWriter report)
    {
        foreach ((string name, byte[] body) in MaskCorpora.Load().Where(corpus => only is null || corpus.Name == only))
        {
            double copy = Measure(body.Length, () => Copy(body), out _);
            report.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"\n{name} ({body.Length:N0} B): memcpy {copy:F1} GB/s"));
            foreach ((string rules, MaskProgram program) in Rules)
            {
                Row(report, rules + ", 4 KiB chunks", copy, body, new MaskTurn(body, program, ChunkBytes).Run);
                Row(report, rules + ", whole", copy, body, new MaskTurn(body, program, body.Length).Run);
            }

            foreach ((string peer, Action turn) in MaskPeers.For(body)) Row(report, peer, copy, body, turn);
        }
    }

    private static void Row(TextWriter report, string name, double copy, byte[] body, Action turn)
    {
        double speed = Measure(body.Length, turn, out double allocated);
        report.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {name,-38} {speed,7:F2} GB/s  {speed / copy,6:F3} of memcpy  {allocated,12:N0} B/body"));
    }

    private static double Measure(int bytes, Action turn, out double allocated)
    {
        for (int warm = 0; warm < 30; warm++) turn();
        TimeSpan spent = ThreadTime.Spend(turn, 1);
        int turns = Math.Max(1, (int)(SecondsPerRow / Math.Max(spent.TotalSeconds, 1e-6)));
        double best = 0;
        allocated = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            spent = ThreadTime.Spend(turn, turns);
            allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)turns;
            best = Math.Max(best, (double)bytes * turns / spent.TotalSeconds / 1e9);
        }

        return best;
    }

    private static readonly byte[] Target = new byte[16 << 20];

    private static void Copy(byte[] body) => body.CopyTo(Target, 0);

    /// <summary>One body under one program, in chunks.</summary>
    private sealed class MaskTurn(byte[] body, MaskProgram program, int chunk)
    {
        private readonly JsonMasker _masker = new();
        private readonly ArrayBufferWriter<byte> _output = new(2 * body.Length);

        internal void Run()
        {
            _output.ResetWrittenCount();
            _masker.Reset(program);
            for (int at = 0; at < body.Length; at += chunk)
                _masker.Write(body.AsSpan(at, Math.Min(chunk, body.Length - at)), _output);
            if (_masker.Finish(_output) != MaskStatus.Done) throw new UnreachableException(_masker.RefusedBecause);
        }
    }
}
