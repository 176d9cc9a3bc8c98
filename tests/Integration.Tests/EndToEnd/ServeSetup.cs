using System.Runtime.CompilerServices;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>
/// The sample configuration in a folder of its own, with what a test must move moved by environment and flags, as
/// operators move it.
/// </summary>
public sealed class ServeSetup : IDisposable
{
    private readonly Dictionary<string, string> _environment;

    /// <summary>Copies the sample.</summary>
    /// <param name="issuer">The identity provider, found by discovery.</param>
    /// <param name="audience">What its tokens are for.</param>
    /// <param name="policy">What a store without a policy gets.</param>
    public ServeSetup(string issuer, string audience, string policy)
    {
        File.Copy(Path.Combine(Root(), "samples", "serve", "countersign.json"), ConfigurationFile);
        File.WriteAllText(Path.Combine(Folder, "policy.yaml"), policy);
        _environment = new(StringComparer.Ordinal)
        {
            ["COUNTERSIGN__IDENTITY__ISSUERS__0__ISSUER"] = issuer,
            ["COUNTERSIGN__IDENTITY__ISSUERS__0__AUDIENCES__0"] = audience,
        };
    }

    /// <summary>Where configuration and state are.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("countersign-serve-").FullName;

    /// <summary>The configuration.</summary>
    public string ConfigurationFile => Path.Combine(Folder, "countersign.json");

    /// <summary>The repository.</summary>
    public static string Root([CallerFilePath] string source = "")
    {
        // The artifacts of a build may be kept elsewhere: then this file's own place is the one to start from.
        foreach (string start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(source)! })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "global.json"))) return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("no folder above the tests holds global.json");
    }

    /// <summary>The sample policy before a test's functions, with whatever a test needs besides.</summary>
    /// <param name="upstream">The functions' address.</param>
    /// <param name="upstreams">More upstreams, a line each.</param>
    /// <param name="functions">More functions, a line each.</param>
    /// <param name="rules">More rules, a line each.</param>
    public static string Policy(string upstream, string upstreams = "", string functions = "", string rules = "") =>
        File.ReadAllText(Path.Combine(Root(), "samples", "serve", "policy.yaml"))
            .Replace("http://127.0.0.1:8083", upstream, StringComparison.Ordinal)
            .Replace("\nupstreams:\n", "\nupstreams:\n" + upstreams, StringComparison.Ordinal)
            .Replace("\nfunctions:\n", "\nfunctions:\n" + functions, StringComparison.Ordinal)
            .Replace("\nrules:\n", "\nrules:\n" + rules, StringComparison.Ordinal);

    /// <summary>Sets a variable of the environment for gateways to come, by its whole name.</summary>
    public void SetVariable(string name, string value) => _environment[name] = value;

    /// <summary>Starts a gateway on free ports.</summary>
    /// <param name="store"><c>embedded</c> or a connection string.</param>
    /// <param name="audit">The name of its audit folder.</param>
    /// <param name="more">More settings of the environment, without their prefix.</param>
    public Task<CountersignProcess> StartAsync(
        string store, string audit = "audit", params (string Name, string Value)[] more) =>
        StartAtAsync("127.0.0.1:0", store, audit, more);

    /// <summary>Starts a gateway whose data listener has this address.</summary>
    public Task<CountersignProcess> StartAtAsync(
        string data, string store, string audit, params (string Name, string Value)[] more)
    {
        Dictionary<string, string> environment = new(_environment, StringComparer.Ordinal);
        foreach ((string name, string value) in more) environment["COUNTERSIGN__" + name] = value;
        return CountersignProcess.StartAsync(
            environment, "serve", "--config", ConfigurationFile, "--data", data, "--control", "127.0.0.1:0",
            "--store", store, "--audit", Path.Combine(Folder, audit));
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
