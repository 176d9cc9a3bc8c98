using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Countersign.Bench.Gate;

namespace Countersign.Bench;

/// <summary>Times operations with BenchmarkDotNet, or holds their allocations against the baseline
/// (README.md).</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        bool gates = arguments.Contains("--gate"), updates = arguments.Contains("--update");
        if (gates || updates)
        {
            string? root = FindRoot(AppContext.BaseDirectory) ?? FindRoot(Environment.CurrentDirectory);
            if (root is not null)
            {
                string baseline = Path.Combine(root, "bench", "baseline.json");
                return await AllocationGate.RunAsync(baseline, updates, Console.Out, TimeProvider.System);
            }

            await Console.Error.WriteLineAsync("Run this inside the repository: bench/baseline.json was not found.");
            return 1;
        }

        int masking = Array.IndexOf(arguments, "--masking");
        if (masking >= 0)
        {
            Masking.MaskSpeed.Run(masking + 1 < arguments.Length ? arguments[masking + 1] : null, Console.Out);
            return 0;
        }

        int audit = Array.IndexOf(arguments, "--audit");
        if (audit >= 0)
        {
            bool isSaid = int.TryParse(arguments.ElementAtOrDefault(audit + 1), out int calls);
            return await AuditSpeed.RunAsync(isSaid ? calls : 500_000, Console.Out);
        }

        int cost = Array.IndexOf(arguments, "--audit-cost");
        if (cost >= 0)
        {
            bool isSaid = int.TryParse(arguments.ElementAtOrDefault(cost + 1), out int seconds);
            return await Cost.AuditCost.RunAsync(isSaid ? seconds : 40, Console.Out);
        }

        if (arguments.Contains("--detectors")) return await DetectorSpeed.RunAsync(Console.Out);
        if (arguments.Contains("--tokens")) return await TokenSpeed.RunAsync(Console.Out);
        int trace = Array.IndexOf(arguments, "--trace");
        if (trace >= 0 && trace + 1 < arguments.Length)
            return await AllocationTrace.RunAsync(arguments[trace + 1], Console.Out, TimeProvider.System);

        // In this process: the generated projects of the default toolchain would fall under this repository's build
        // rules.
        Job inProcess = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).AsMutator();
        IConfig config = DefaultConfig.Instance.AddJob(inProcess);
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments, config);
        return 0;
    }

    private static string? FindRoot(string path)
    {
        DirectoryInfo? folder = new(path);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json"))) folder = folder.Parent;
        return folder?.FullName;
    }
}
