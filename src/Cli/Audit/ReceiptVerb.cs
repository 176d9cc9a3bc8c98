using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit receipt verify</c>: whether a log gave a receipt, and whether it kept its word.</summary>
internal static class ReceiptVerb
{
    internal static Command Create(CommandEnvironment environment) =>
        new("receipt", "Receipts that callers got (Countersign-Receipt)") { Verify(environment) };

    private static Command Verify(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        Argument<string> receipt = new("receipt") { Description = "The field's value, or a file that holds it" };
        Option<string?> key = new("--key") { Description = "The log's public key as you know it: a file, or its text" };
        Option<string?> proof = new("--proof")
        {
            Description = "A .tlog-proof of the call's intent: the log kept its word",
        };
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "verify", "Prove offline that a log took a call on, and with a proof or its folder that it is still there")
        {
            receipt, key, proof, json,
        };
        folder.AddTo(command, hasArgument: false);
        command.SetAction(parsed =>
        {
            if (!TryReadText(environment, parsed.GetValue(receipt)!, out string told)) return ExitCodes.Usage;
            if (!CallReceipt.TryParse(told, out CallReceipt? given))
                return environment.Fail("this is no receipt of a log", ExitCodes.Damaged);
            string? path = folder.IsGiven(parsed) ? folder.Find(environment, parsed) : null;
            if (folder.IsGiven(parsed) && path is null) return ExitCodes.Usage;
            string? named = parsed.GetValue(key) ?? (path is null ? null : Path.Combine(path, "log.vkey"));
            if (named is null) return environment.Fail("--key: name the log's public key", ExitCodes.Usage);
            if (!VerifyVerb.TryReadText(environment, named, out string? text)) return ExitCodes.Usage;
            if (!AuditKey.TryParse(text!, out AuditKey? trusted)) return ExitCodes.Usage;
            if (!VerifyVerb.TryReadFile(environment, parsed.GetValue(proof), out byte[] proven))
                return ExitCodes.Usage;
            return Tell(
                environment, given!, Judge(given!, KeysOf(trusted!, path), proven, path), parsed.GetValue(json));
        });
        return command;
    }

    private static bool TryReadText(CommandEnvironment environment, string given, out string text)
    {
        text = given;
        if (given.StartsWith("log=", StringComparison.Ordinal)) return true;
        bool isRead = VerifyVerb.TryReadFile(environment, given, out byte[] bytes);
        text = Encoding.UTF8.GetString(bytes);
        return isRead;
    }

    // With the folder at hand, the keys that the trusted one follows or is followed by.
    private static AuditKeyChain KeysOf(AuditKey trusted, string? folder) =>
        folder is not null && AuditKeyChain.TryRead(folder, out AuditKeyChain? keys) && keys!.Contains(trusted)
            ? keys
            : AuditKeyChain.Of(trusted);

    private static Verdict Judge(CallReceipt receipt, AuditKeyChain keys, byte[] proof, string? folder)
    {
        AuditKey? key = receipt.IsGivenBy(keys.Current)
            ? keys.Current
            : keys.Handovers.Select(one => one.From).FirstOrDefault(receipt.IsGivenBy);
        if (key is null) return new(false, $"{keys.First.Name} did not give this receipt");
        if (proof.Length > 0)
        {
            bool isProof = TlogProof.TryRead(proof, out TlogProof? read) && read!.Verifies(key, out _);
            if (!isProof) return new(false, "the proof proves nothing under this key");
            return receipt.IsOf(read!.Entry.Span)
                ? new(true, $"the call's intent is entry {read.Index} of the log")
                : new(false, "the proof is of another record than the receipt");
        }

        if (folder is null)
            return new(true, "the log took the call on; a proof of its intent shows that it is still there");
        if (CallStory.Find(folder, receipt.Call)?.Record("intent") is not { } intent)
            return new(false, "the log gave this receipt, and holds no intent of the call: it broke its word");
        if (intent.Index >= keys.ReachOf(key))
            return new(false, "the receipt is signed by a key that was retired before the call was logged");
        return receipt.IsOf(intent.Payload.Span)
            ? new(true, $"the call's intent is entry {intent.Index} of the log")
            : new(false, "the log gave this receipt for another record than it holds: it was rewritten");
    }

    private static int Tell(CommandEnvironment environment, CallReceipt receipt, Verdict verdict, bool json)
    {
        if (json)
        {
            environment.Out.WriteLine(new JsonObject
            {
                ["ok"] = verdict.IsOk,
                ["log"] = receipt.Log,
                ["call"] = receipt.Call.ToString("D"),
                ["at"] = receipt.At.ToString("O"),
                ["message"] = verdict.Message,
            }.ToJsonString(Serve.LogOptions.PlainJson));
        }
        else
        {
            environment.Out.WriteLine((verdict.IsOk ? "ok: " : "NOT PROVEN: ") + verdict.Message);
            environment.Out.WriteLine($"  call {receipt.Call} at {receipt.At:O}, by {receipt.Log}");
        }

        return verdict.IsOk ? ExitCodes.Ok : ExitCodes.Damaged;
    }

    private readonly record struct Verdict(bool IsOk, string Message);
}
