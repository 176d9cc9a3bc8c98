namespace Countersign.LoadTests;

/// <summary>An open-loop load against the whole gateway that also proves that nothing went wrong under it
/// (README.md).</summary>
internal static class Program
{
    private const int WarmCalls = 100;
    private static readonly string[] Configurations = ["Release", "Debug"];

    private static async Task<int> Main(string[] arguments)
    {
        LoadOptions? options = LoadOptions.Read(arguments, out string error);
        string? assembly =
            options?.Demo ?? FindDemo(AppContext.BaseDirectory) ?? FindDemo(Environment.CurrentDirectory);
        bool isMissing = options is not null && !File.Exists(assembly);
        if (isMissing) error = "countersign.dll was not found: build src/Cli, or name it with --demo";
        if (error.Length > 0)
        {
            await Console.Error.WriteLineAsync(error + "\n\n" + LoadOptions.Usage);
            return 2;
        }

        try
        {
            Summary summary = await RunAsync(options!, Path.GetFullPath(assembly!), TimeProvider.System);
            summary.Print(Console.Out);
            return summary.IsSound ? 0 : 1;
        }
        catch (Exception fault)
            when (fault is InvalidOperationException or InvalidDataException or IOException or HttpRequestException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return 1;
        }
    }

    private static async Task<Summary> RunAsync(LoadOptions options, string assembly, TimeProvider clock)
    {
        await using DemoProcess demo = await DemoProcess.StartAsync(assembly);
        using SocketsHttpHandler handler = new()
        {
            MaxConnectionsPerServer = options.Connections,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
        };
        using HttpMessageInvoker http = new(handler);
        Secrets secrets = await Secrets.ReadAsync(http, demo.Upstream);
        OpenLoop load = new(http, demo, secrets, clock);
        CallResult[] warm = await load.WarmAsync(WarmCalls);
        long startedAt = clock.GetTimestamp();
        CallResult[] calls = await load.RunAsync(options.CallCount, options.Rate);
        TimeSpan elapsed = clock.GetElapsedTime(startedAt);
        int exitCode = await demo.StopAsync();
        AuditFindings audit = AuditCheck.Run(demo.AuditFolder, [.. warm, .. calls]);
        List<string> violations = [.. warm.Select(call => call.Violation).OfType<string>(), .. audit.Violations];
        if (exitCode != 0) violations.Add($"the demo ended with {exitCode} on SIGTERM\n{demo.Errors()}");
        return new Summary(options, calls, elapsed, audit.Entries, violations);
    }

    // The newest build of the gateway in the repository above this folder.
    private static string? FindDemo(string path)
    {
        DirectoryInfo? folder = new(path);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json"))) folder = folder.Parent;
        if (folder is null) return null;
        string builds = Path.Combine(folder.FullName, "src", "Cli", "bin");
        return Configurations
            .Select(configuration => Path.Combine(builds, configuration, "net10.0", "countersign.dll"))
            .Where(File.Exists)
            .MaxBy(File.GetLastWriteTimeUtc);
    }
}
