using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary>
/// <c>audit rotate-key</c>: gives a log a new signing key, which the old one hands over to. At once where no gateway
/// writes the log, else when that one starts next.
/// </summary>
internal static class RotateKeyVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "rotate-key",
            "Give the log a new signing key, handed over to by the old one; of a gateway that runs, at its next start")
        {
            json,
        };
        folder.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            try
            {
                return await RotateAsync(environment, path, parsed.GetValue(json));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return environment.Fail($"{path} cannot be used: {fault.Message}");
            }
        });
        return command;
    }

    private static async Task<int> RotateAsync(CommandEnvironment environment, string folder, bool json)
    {
        if (!AuditKeyChain.TryRead(folder, out AuditKeyChain? keys))
            return environment.Fail($"{folder} holds no log whose keys can be read", ExitCodes.Damaged);
        if (KeyRotation.Prepare(folder) is not { } next)
            return environment.Fail("the seed in key.next is no seed of 32 bytes", ExitCodes.Damaged);

        // Opening proves every entry before both keys sign over them, and refuses where they do not hold.
        AuditLogOpening opening = AuditLog.Open(
            new AuditLogOptions { Folder = folder, Origin = keys!.First.Name }, TimeProvider.System);
        if (opening.Log is null && opening.Status != AuditOpenStatus.InUse)
            return environment.Fail($"the log was not opened, and its key not changed: {opening.Message}");
        if (opening.Log is { } log) await log.DisposeAsync();
        bool isDone = opening.Log is not null;
        if (json)
        {
            environment.Out.WriteLine(new JsonObject
            {
                ["old"] = keys.Current.ToString(),
                ["new"] = next.ToString(),
                ["done"] = isDone,
                ["size"] = opening.Handover?.Head.Size,
            }.ToJsonString(Serve.LogOptions.PlainJson));
            return ExitCodes.Ok;
        }

        environment.Out.WriteLine(isDone
            ? "ok: the log signs with a new key, and the old one's seed is gone"
            : "ok: a gateway writes this log; it changes its key when it starts next");
        environment.Out.WriteLine($"  old {keys.Current}");
        environment.Out.WriteLine($"  new {next}");
        environment.Out.WriteLine("  give the new key to everybody who trusts the old one: that is believed no more");
        return ExitCodes.Ok;
    }
}
