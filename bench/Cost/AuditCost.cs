using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Countersign.Bench.Cost;

/// <summary>
/// Prints what the audit costs whole calls over real sockets: two gateways in this process, one with its audit log on
/// disk and one without, are called in turn over many connections as fast as they answer. Client and function are here
/// too, on the thread pool; the gateway is on its event loops and the audit on threads of its own, so that the kernel
/// tells them apart by their names.
/// </summary>
internal static class AuditCost
{
    private const int Connections = 48;
    private const double RoundSeconds = 2;

    // The kernel keeps 15 characters of a thread's name: both of the audit's begin so.
    private const string AuditThreads = "countersign-aud";

    /// <summary>Calls with and without audit for so long, for each of the two ways in which intents are kept.</summary>
    internal static async Task<int> RunAsync(int seconds, TextWriter output)
    {
        await using CostUpstream upstream = new();
        await using CostGateway audited = await CostGateway.StartAsync(upstream.Endpoint, isAudited: true);
        await using CostGateway bare = await CostGateway.StartAsync(upstream.Endpoint, isAudited: false);
        int pairs = Math.Max(1, (int)(seconds / RoundSeconds / 4));
        foreach ((string path, string title) in ((string, string)[])[
            ("/queued", "low risk: intents are queued"), ("/strict", "high risk: intents are on disk first")])
        {
            CostClient with = await CostClient.ConnectAsync(audited, path, Connections);
            CostClient without = await CostClient.ConnectAsync(bare, path, Connections);
            await with.RunAsync(2 * RoundSeconds);
            await without.RunAsync(2 * RoundSeconds);
            Spent on = new(), off = new();
            for (int pair = 0; pair < pairs; pair++)
            {
                // On, off, off, on: what the machine does besides falls on both.
                (CostClient first, CostClient second) = pair % 2 == 0 ? (with, without) : (without, with);
                Spent one = await Spent.OfAsync(first), other = await Spent.OfAsync(second);
                (on, off) = pair % 2 == 0 ? (on + one, off + other) : (on + other, off + one);
            }

            Write(output, title, on, off);
            with.Dispose();
            without.Dispose();
        }

        long records = audited.Log.Size;
        Line(output, $"the log holds {records:N0} entries; the other gateway's {bare.Log.Size:N0}");
        return records > 0 && bare.Log.Size == 0 ? 0 : 1;
    }

    private static void Write(TextWriter output, string title, Spent on, Spent off)
    {
        output.WriteLine(title);
        Line(output, $"  calls a second, audit on     {on.PerSecond,9:N0}");
        Line(output, $"  calls a second, audit off    {off.PerSecond,9:N0}   "
            + $"on / off {on.PerSecond / off.PerSecond:N3}");
        Line(output, $"  processor a call, audit on   {on.MicrosecondsOf(""),9:N1} us (client and function included)");
        Line(output, $"  processor a call, audit off  {off.MicrosecondsOf(""),9:N1} us   "
            + $"on / off {on.MicrosecondsOf("") / off.MicrosecondsOf(""):N3}");
        Line(output, $"  the audit's own threads      {on.MicrosecondsOf(AuditThreads),9:N1} us a call, "
            + $"{on.MicrosecondsOf(AuditThreads) / on.MicrosecondsOf("") * 100:N1} % of the processor used");
        foreach (string name in on.Threads.Keys.Order(StringComparer.Ordinal))
        {
            if (on.MicrosecondsOf(name) + off.MicrosecondsOf(name) < 0.5) continue;
            Line(output, $"    {name,-16} on {on.MicrosecondsOf(name),7:N1} us, "
                + $"off {off.MicrosecondsOf(name),7:N1} us");
        }
    }

    // The repository builds for the invariant culture alone.
    private static void Line(TextWriter output, DefaultInterpolatedStringHandler line) =>
        output.WriteLine(line.ToStringAndClear());

    /// <summary>Calls that were made, in how long, and the processor time by thread name meanwhile.</summary>
    private sealed record Spent(long Calls, double Seconds, Dictionary<string, double> Threads)
    {
        internal Spent()
            : this(0, 0, [])
        {
        }

        internal double PerSecond => Calls / Seconds;

        public static Spent operator +(Spent one, Spent other) => new(
            one.Calls + other.Calls, one.Seconds + other.Seconds,
            one.Threads.Keys.Union(other.Threads.Keys).ToDictionary(
                name => name, name => one.Threads.GetValueOrDefault(name) + other.Threads.GetValueOrDefault(name)));

        internal static async Task<Spent> OfAsync(CostClient client)
        {
            Dictionary<string, double> before = Read();
            long startedAt = Stopwatch.GetTimestamp();
            long calls = await client.RunAsync(RoundSeconds);
            double seconds = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
            Dictionary<string, double> after = Read();
            return new Spent(calls, seconds, after.ToDictionary(
                pair => pair.Key, pair => Math.Max(0, pair.Value - before.GetValueOrDefault(pair.Key))));
        }

        /// <summary>Of threads whose name begins so, a call.</summary>
        internal double MicrosecondsOf(string name) =>
            Threads.Where(pair => pair.Key.StartsWith(name, StringComparison.Ordinal)).Sum(pair => pair.Value)
            / Calls * 1e6;

        // proc(5): the name in parentheses; 12 and 13 fields behind it user and system time, in hundredths of a second.
        private static Dictionary<string, double> Read()
        {
            Dictionary<string, double> spent = [];
            foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
            {
                string stat;
                try
                {
                    stat = File.ReadAllText(Path.Combine(task, "stat"));
                }
                catch (IOException)
                {
                    continue; // It has ended.
                }

                int open = stat.IndexOf('(', StringComparison.Ordinal), close = stat.LastIndexOf(')');
                string[] fields = stat[(close + 2)..].Split(' ');
                double time = (long.Parse(fields[11], CultureInfo.InvariantCulture)
                    + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
                string name = stat[(open + 1)..close];
                spent[name] = spent.GetValueOrDefault(name) + time;
            }

            return spent;
        }
    }
}
