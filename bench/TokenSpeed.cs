using System.Diagnostics;
using System.Globalization;
using Countersign.Bench.Operations;
using Countersign.Identity.Inbound;
using Countersign.Policy;

namespace Countersign.Bench;

/// <summary>
/// Prints what it takes to find a token that was proven before: among those that all threads know by their bytes, among
/// those that each thread knows for itself, and by its SHA-256. The ways take turns within one run, so that what the
/// machine does besides falls on all of them.
/// </summary>
internal static class TokenSpeed
{
    private const int Rounds = 41;
    private const int LookUps = 60_000;
    private const int WarmRounds = 12;

    private delegate bool Find(ReadOnlySpan<byte> token, int thread);

    /// <summary>Measures each number of tokens and threads, and prints a line for it.</summary>
    public static async Task<int> RunAsync(TextWriter output)
    {
        using BenchKey key = new("ES256");
        await output.WriteLineAsync("ns for one look-up: the median of its rounds, and the least");
        await output.WriteLineAsync("threads  tokens     all threads'      each thread's        by SHA-256");
        foreach (int threads in new[] { 1, Math.Max(2, Environment.ProcessorCount) })
        {
            foreach (int count in new[] { 1, 32, 512 })
            {
                byte[][] tokens = [.. Enumerable.Range(0, count).Select(key.Token)];
                string[] shown = [.. Measure(WaysOf(tokens, threads), tokens, threads).Select(Show)];
                await output.WriteLineAsync(
                    $"{threads,7} {count,7}  {shown[0],15}  {shown[1],17}  {shown[2],16}");
            }
        }

        return 0;
    }

    private static Find[] WaysOf(byte[][] tokens, int threads)
    {
        SeenTokens seen = new(bytesMax: 1 << 24);
        CallerCache cache = new(entriesMax: 10_000);
        foreach (byte[] token in tokens)
        {
            Caller caller = new(BenchKey.Issuer, "alice", CallerKind.Human, ["support"], ["alice"]);
            CachedCaller proven = new(caller, null, null, long.MaxValue, TokenMarks.None);
            seen.Keep(token, proven);
            cache.Add(TokenHash.Of(token), proven, nowMs: 0);
        }

        ThreadMemo[] memos = [.. Enumerable.Range(0, threads).Select(static _ => new ThreadMemo())];
        return
        [
            (token, _) => seen.TryFind(token, out CachedCaller? _),
            (token, thread) => memos[thread].TryFind(token, seen, out CachedCaller? _),
            (token, _) => cache.TryFind(TokenHash.Of(token), out CachedCaller? _),
        ];
    }

    private static string Show(List<double> rounds)
    {
        rounds.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"{rounds[rounds.Count / 2]:F1} ({rounds[0]:F1})");
    }

    private static List<double>[] Measure(Find[] ways, byte[][] tokens, int threads)
    {
        List<double>[] rounds = [.. ways.Select(static _ => new List<double>())];
        using Barrier start = new(threads);
        Thread[] all = [.. Enumerable.Range(0, threads).Select(thread => new Thread(() => Run(thread)))];
        foreach (Thread one in all) one.Start();
        foreach (Thread one in all) one.Join();
        return rounds;

        void Run(int thread)
        {
            for (int round = 0; round < WarmRounds + Rounds; round++)
            {
                for (int way = 0; way < ways.Length; way++)
                {
                    start.SignalAndWait();
                    double each = Time(ways[way], tokens, thread);
                    if (round < WarmRounds) continue;
                    lock (rounds[way]) rounds[way].Add(each);
                }
            }
        }
    }

    private static double Time(Find find, byte[][] tokens, int thread)
    {
        int at = 0, found = 0;
        long before = Stopwatch.GetTimestamp();
        for (int turn = 0; turn < LookUps; turn++)
        {
            if (find(tokens[at], thread)) found++;
            if (++at == tokens.Length) at = 0;
        }

        double each = Stopwatch.GetElapsedTime(before).TotalNanoseconds / LookUps;
        return found == LookUps ? each : throw new InvalidOperationException("a token was not found");
    }
}
