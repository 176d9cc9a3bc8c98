using System.CommandLine;
using System.Text;
using Countersign.Audit;

namespace Countersign.Cli.Audit;

/// <summary><c>audit export</c>: records for other tools.</summary>
internal static class ExportVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        QueryOptions query = new();
        Option<string> format = new("--format")
        {
            Description = "ndjson (one record a line, with its index), cef (ArcSight Common Event Format), "
                + "or tiles (a directory in the layout of C2SP tlog-tiles, for tools that verify logs)",
            DefaultValueFactory = _ => "ndjson",
        };
        Option<string?> output =
            new("--output", "-o")
            {
                Description = "File to write, made anew [default: standard output]; with tiles the directory, "
                    + "where what an earlier export wrote is kept and added to",
            };
        Option<bool> json = new("--json") { Description = "The same as --format ndjson" };
        Command command = new("export", "Write records for other tools, all or those asked for")
        {
            format, output, json,
        };
        folder.AddTo(command);
        query.AddTo(command);
        command.SetAction(parsed =>
        {
            string form = parsed.GetValue(json) ? "ndjson" : parsed.GetValue(format)!;
            if (form is not ("ndjson" or "cef" or "tiles"))
                return environment.Fail($"--format: '{form}' is not ndjson, cef or tiles", ExitCodes.Usage);
            if (query.Read(environment, parsed) is not { } wanted) return ExitCodes.Usage;
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
            if (form == "tiles") return Tiles(environment, path, parsed.GetValue(output), query.AsksNothing(parsed));
            try
            {
                using StreamWriter? file = parsed.GetValue(output) is { } name
                    ? new StreamWriter(name, append: false, new UTF8Encoding(false))
                    : null;
                TextWriter lines = file ?? environment.Out;
                foreach (AuditEntry entry in QueryOptions.Find(environment, path, wanted))
                {
                    lines.Write(form == "cef"
                        ? CefText.Of(entry)
                        : SearchVerb.Indexed(entry).ToJsonString(Serve.LogOptions.PlainJson));
                    lines.Write('\n');
                }

                return ExitCodes.Ok;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return environment.Fail(fault.Message);
            }
        });
        return command;
    }

    private static int Tiles(CommandEnvironment environment, string folder, string? output, bool isWhole)
    {
        if (output is null)
            return environment.Fail("--output: name the directory that the tiles go to", ExitCodes.Usage);
        if (!isWhole)
            return environment.Fail("--format tiles writes the whole log: it takes no filters", ExitCodes.Usage);
        try
        {
            TileExported done = TileExport.Run(folder, output);
            if (done.Damage is { } damage)
            {
                string place = damage.Entry >= 0 ? $"entry {damage.Entry} in {damage.File}" : damage.File;
                return environment.Fail($"nothing new is published: {place}: {damage.Message}", ExitCodes.Damaged);
            }

            environment.Out.WriteLine(
                $"{done.Checkpoint!.Size} entries of {done.Checkpoint.Origin} in {output}; "
                + $"{done.FilesWritten} files were written");
            if (done.BundlesMissing > 0)
            {
                environment.Out.WriteLine(
                    $"  entries before {done.EntriesDropped} were dropped by retention: {done.BundlesMissing} entry "
                    + "bundles are left out, the hashes of their entries are in the tiles");
            }

            return ExitCodes.Ok;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return environment.Fail(fault.Message);
        }
    }
}
