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
            Description = "ndjson (one record a line, with its index) or cef (ArcSight Common Event Format)",
            DefaultValueFactory = _ => "ndjson",
        };
        Option<string?> output =
            new("--output", "-o") { Description = "File to write; made anew [default: standard output]" };
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
            if (form is not ("ndjson" or "cef"))
                return environment.Fail($"--format: '{form}' is not ndjson or cef", ExitCodes.Usage);
            if (query.Read(environment, parsed) is not { } wanted) return ExitCodes.Usage;
            if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
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
}
