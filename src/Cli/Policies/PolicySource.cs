using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary>A policy by file, or by the number that it was published under.</summary>
internal sealed class PolicySource(
    CommandEnvironment environment, ControlOptions control, ParseResult parsed, bool mayLeaveFolder)
{
    private const string Path = "/api/v1/policies";

    /// <summary>Why nothing was read.</summary>
    internal int ExitCode { get; private set; }

    /// <summary>What the policy means; null, and said why, if it cannot be had or has errors.</summary>
    internal async Task<PolicyReading?> ReadAsync(string name, CancellationToken cancellation)
    {
        bool isVersion = name == "current" || (name.Length > 0 && name.All(char.IsAsciiDigit));
        if (isVersion && !File.Exists(name)) return await ReadVersionAsync(name, cancellation);
        if (PolicyFile.Read(environment, name, mayLeaveFolder) is not { } file) return End(ExitCodes.Usage);
        if (file.Reading.Errors.Count == 0) return file.Reading;
        environment.Error.WriteLine(PolicyErrorText.Of(file, file.Reading.Errors));
        return End(ExitCodes.Failed);
    }

    private async Task<PolicyReading?> ReadVersionAsync(string name, CancellationToken cancellation)
    {
        using ControlClient? client = control.Open(environment, parsed);
        if (client is null) return End(ExitCodes.Usage);
        string version = name;
        if (name == "current")
        {
            ControlAnswer list = await client.GetAsync(Path, cancellation);
            if (!list.IsOk) return End(environment.Fail(list));
            JsonNode? current = list.Body!["items"]!.AsArray()
                .FirstOrDefault(item => item!["current"]?.GetValue<bool>() == true);
            if (current is null) return End(environment.Fail("no policy is in force"));
            version = current["version"]!.ToString();
        }

        ControlAnswer found = await client.GetAsync($"{Path}/{version}", cancellation);
        if (!found.IsOk) return End(environment.Fail(found));
        PolicyReading reading = PolicyReader.Read(found.Text, MaskWords.All);
        if (reading.Errors.Count == 0) return reading;
        environment.Error.WriteLine(PolicyErrorText.Of("version " + version, reading.Errors));
        return End(environment.Fail($"version {version} is not in the language of this executable"));
    }

    private PolicyReading? End(int exitCode)
    {
        ExitCode = exitCode;
        return null;
    }
}
