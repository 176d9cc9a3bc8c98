using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit verify</c>: a whole log, some entries of it, or one proof.</summary>
internal static class VerifyVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        Option<string?> proof = new("--proof") { Description = "Verify this .tlog-proof file alone, against --key" };
        Option<string?> key = new("--key")
        {
            Description = "The log's public key as you know it (log.vkey: a file, or the text itself); "
                + "its successors are followed",
        };
        Option<string?> known = new("--known")
        {
            Description = "A checkpoint of this log that was kept elsewhere: it must still be contained",
        };
        Option<string[]> witness = new("--witness")
        {
            Description = "A witness's public key: it must have cosigned the log, and the log contain what it cosigned",
        };
        Option<long> from = NumberOption.Create("--from", "First entry of a range", 0, 0, long.MaxValue);
        Option<long?> to = NumberOption.CreateOptional("--to", "Entry after the last of a range", 0, long.MaxValue);
        Option<bool> progress = new("--progress") { Description = "Show progress, though nobody may be looking" };
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Command command = new(
            "verify", "Prove that nothing was changed or removed; exit code 4 names the first bad entry")
        {
            proof, key, known, witness, from, to, progress, json,
        };
        folder.AddTo(command);
        command.SetAction(parsed =>
        {
            if (!TryReadText(environment, parsed.GetValue(key), out string? trusted)) return ExitCodes.Usage;
            if (parsed.GetValue(proof) is { } file)
                return VerifyProof(environment, file, trusted, parsed.GetValue(json));
            if (!TryReadFile(environment, parsed.GetValue(known), out byte[] checkpoint)) return ExitCodes.Usage;
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            Range? range = parsed.GetResult(from) is { Implicit: false } || parsed.GetValue(to) is not null
                ? new Range(parsed.GetValue(from), parsed.GetValue(to))
                : null;
            if (range is { } bounds && !AreBounds(environment, path, bounds)) return ExitCodes.Usage;
            bool isShown = parsed.GetValue(progress) || (environment.IsInteractive && !parsed.GetValue(json));
            VerifyProgress shown = new(environment, SizeOf(path), isShown);
            AuditVerification found = Verify(path, range, shown, trusted, checkpoint);
            WitnessedReach reach = new(path);
            foreach (string cosigner in parsed.GetValue(witness) ?? [])
            {
                if (!CosignerKey.TryParse(cosigner, out CosignerKey? trustedWitness))
                    return environment.Fail($"--witness: '{cosigner}' is no key of a witness", ExitCodes.Usage);
                if (found.IsOk) found = reach.Hold(found, trustedWitness!, trusted);
            }

            shown.End();
            if (parsed.GetValue(json)) environment.Out.WriteLine(ToJson(found, shown, reach));
            else Print(environment, path, found, shown, reach);
            return found.IsOk ? ExitCodes.Ok : ExitCodes.Damaged;
        });
        return command;
    }

    /// <summary>A key or a checkpoint: the text itself, or the file that holds it.</summary>
    internal static bool TryReadText(CommandEnvironment environment, string? given, out string? text)
    {
        text = given;
        if (given is null || AuditKey.TryParse(given, out _)) return true;
        if (!TryReadFile(environment, given, out byte[] bytes)) return false;
        text = Encoding.UTF8.GetString(bytes).Trim();
        if (AuditKey.TryParse(text, out _)) return true;
        environment.Fail($"{given} holds no public key of a log");
        return false;
    }

    /// <summary>The bytes of a file; none for no file.</summary>
    internal static bool TryReadFile(CommandEnvironment environment, string? file, out byte[] bytes)
    {
        bytes = [];
        if (file is null) return true;
        try
        {
            bytes = File.ReadAllBytes(file);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            environment.Fail($"{file} cannot be read: {fault.Message}");
            return false;
        }
    }

    private static AuditVerification Verify(
        string path, Range? range, VerifyProgress shown, string? trusted, byte[] checkpoint)
    {
        if (range is not { } asked) return AuditVerifier.Verify(path, shown, trusted, checkpoint);
        long to = asked.To ?? SizeOf(path);
        return AuditVerifier.VerifyRange(path, asked.From, to, shown, trusted);
    }

    // A log without a checkpoint that can be read is the verifier's to speak of.
    private static bool AreBounds(CommandEnvironment environment, string path, Range asked)
    {
        long size = SizeOf(path), to = asked.To ?? size;
        string? wrong = asked.From < 0 ? $"--from: {asked.From} is no entry"
            : size > 0 && to > size ? $"--to: the signed head covers {size} entries, not {to}"
            : to <= asked.From ? $"--from {asked.From} --to {to} are no entries: the second is the one after the last"
            : null;
        if (wrong is null) return true;
        environment.Fail(wrong, ExitCodes.Usage);
        return false;
    }

    // For the bar and for what may be asked: what the checkpoint says is believed by nobody yet.
    private static long SizeOf(string folder)
    {
        string file = Path.Combine(folder, "checkpoint");
        string[] lines = File.Exists(file) ? File.ReadAllLines(file) : [];
        return lines.Length > 1 && long.TryParse(lines[1], CultureInfo.InvariantCulture, out long size) ? size : 0;
    }

    private static int VerifyProof(CommandEnvironment environment, string file, string? trusted, bool json)
    {
        if (!TryReadFile(environment, file, out byte[] text)) return ExitCodes.Usage;
        if (trusted is null || !AuditKey.TryParse(trusted, out AuditKey? key))
            return environment.Fail("--key: name the key that you trust, or a proof proves nothing", ExitCodes.Usage);
        if (!TlogProof.TryRead(text, out TlogProof? proof))
            return environment.Fail($"{file} is no proof of the form c2sp.org/tlog-proof@v1", ExitCodes.Damaged);
        bool isProven = proof!.Verifies(key!, out AuditCheckpoint? checkpoint);
        if (json)
        {
            environment.Out.WriteLine(new JsonObject
            {
                ["ok"] = isProven,
                ["index"] = proof.Index,
                ["origin"] = key!.Name,
                ["size"] = checkpoint?.Size,
                ["record"] = isProven ? JsonNode.Parse(proof.Entry.Span) : null,
            }.ToJsonString(Serve.LogOptions.PlainJson));
        }
        else if (isProven)
        {
            environment.Out.WriteLine($"ok: entry {proof.Index} of {checkpoint!.Size} in {checkpoint.Origin}");
            environment.Out.WriteLine(EntryText.Of(new AuditEntry(proof.Index, "", 0, proof.Entry)));
        }
        else environment.Out.WriteLine($"NOT PROVEN: the key {key!.Name} did not sign a log that holds this record");

        return isProven ? ExitCodes.Ok : ExitCodes.Damaged;
    }

    private static void Print(
        CommandEnvironment environment, string path, AuditVerification found, VerifyProgress shown,
        WitnessedReach reach)
    {
        long entries = found.EntriesCovered + found.TailEntries;
        if (found.IsOk)
        {
            environment.Out.WriteLine($"ok: {entries} entries in {path}");
            environment.Out.WriteLine(
                $"  {found.EntriesCovered} proven by the signed checkpoint, "
                + $"{found.TailEntries} newer ones whole but not signed yet");
            if (found.EntriesDropped > 0)
            {
                environment.Out.WriteLine(
                    $"  {found.EntriesDropped} of them were dropped by retention: their hashes are proven, "
                    + "what they said is gone");
            }

            if (found.TailTornBytes > 0)
            {
                environment.Out.WriteLine(
                    $"  {found.TailTornBytes} bytes behind the last entry are none: a crash or a writer at work leaves "
                    + "such, or somebody put them there; the next start cuts them");
            }

            foreach (string line in reach.Lines(found)) environment.Out.WriteLine("  " + line);
            environment.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {shown.Elapsed.TotalSeconds:0.00} s, {shown.Rate(entries - found.EntriesDropped):N0} "
                + $"entries a second"));
            return;
        }

        string place = found.FirstBadEntry >= 0 ? $"entry {found.FirstBadEntry}" : "the log";
        environment.Out.WriteLine($"DAMAGED: {place}: {KindOf(found)}: {found.Message}");
        if (found.File.Length > 0)
        {
            environment.Out.WriteLine(
                $"  in {found.File}" + (found.ByteOffset >= 0 ? $" at byte {found.ByteOffset}" : ""));
        }

        environment.Out.WriteLine($"  still trustworthy: {found.EntriesProven} entries");
    }

    private static string ToJson(AuditVerification found, VerifyProgress shown, WitnessedReach reach)
    {
        long entries = found.EntriesCovered + found.TailEntries;
        JsonObject result = new()
        {
            ["ok"] = found.IsOk,
            ["entries"] = entries,
            ["covered"] = found.EntriesCovered,
            ["proven"] = found.EntriesProven,
            ["dropped"] = found.EntriesDropped,
            ["tail"] = found.TailEntries,
            ["torn_bytes"] = found.TailTornBytes,
            ["seconds"] = Math.Round(shown.Elapsed.TotalSeconds, 3),
            ["entries_per_second"] = (long)shown.Rate(entries - found.EntriesDropped),
        };
        if (reach.ToJson() is { } witnesses) result["witnesses"] = witnesses;
        if (!found.IsOk)
        {
            result["damage"] = KindOf(found);
            result["entry"] = found.FirstBadEntry >= 0 ? found.FirstBadEntry : null;
            result["file"] = found.File;
            result["offset"] = found.ByteOffset >= 0 ? found.ByteOffset : null;
            result["message"] = found.Message;
        }

        return result.ToJsonString(Serve.LogOptions.PlainJson);
    }

    private static string KindOf(AuditVerification found) =>
        JsonNamingPolicy.KebabCaseLower.ConvertName(found.Kind.ToString());

    private readonly record struct Range(long From, long? To);
}
