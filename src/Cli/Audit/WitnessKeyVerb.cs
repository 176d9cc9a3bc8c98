using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary>
/// <c>audit witness-key</c>: the key of this gateway as a witness, for the gateways that name it in
/// <c>audit.witnesses</c> and for whoever verifies their logs.
/// </summary>
internal static class WitnessKeyVerb
{
    private const string LogPrefix = "countersign/";

    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "witness-key", "Print the key that a gateway cosigns other logs with, by the folder of its own log")
        {
            json,
        };
        folder.AddTo(command);
        command.SetAction(parsed =>
        {
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            try
            {
                return Print(environment, path, parsed.GetValue(json));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                return environment.Fail(fault.Message);
            }
        });
        return command;
    }

    /// <summary>A witness's key: the text itself, or the file that holds it.</summary>
    internal static bool TryRead(CommandEnvironment environment, string given, out CosignerKey? key)
    {
        if (CosignerKey.TryParse(given, out key)) return true;
        if (!File.Exists(given))
        {
            environment.Fail($"--witness: '{given}' is neither the key of a witness nor a file that holds one");
            return false;
        }

        if (!VerifyVerb.TryReadFile(environment, given, out byte[] bytes)) return false;
        if (CosignerKey.TryParse(Encoding.UTF8.GetString(bytes), out key)) return true;
        environment.Fail($"--witness: {given} holds no key of a witness");
        return false;
    }

    private static int Print(CommandEnvironment environment, string folder, bool json)
    {
        if (!AuditKeyChain.TryRead(folder, out AuditKeyChain? keys))
            return environment.Fail($"{folder} holds no log whose keys can be read", ExitCodes.Damaged);
        string beside = WitnessFolderOf(folder);
        if (!Directory.Exists(beside))
            return environment.Fail($"there is no {beside}: a gateway makes its key at its first start");
        string log = keys!.First.Name;
        string name = log.StartsWith(LogPrefix, StringComparison.Ordinal) ? log[LogPrefix.Length..] : log;
        using CheckpointWitness witness = CheckpointWitness.Open(
            beside, Serve.WitnessParts.NameOf(name), _ => null, environment.Clock);
        string key = witness.Key.ToString();
        environment.Out.WriteLine(
            json ? new JsonObject { ["key"] = key }.ToJsonString(Serve.LogOptions.PlainJson) : key);
        return ExitCodes.Ok;
    }

    private static string WitnessFolderOf(string folder) => folder.TrimEnd('/') + ".witness";
}
