using System.CommandLine;

namespace Countersign.Cli.Masking;

/// <summary>What <c>countersign mask</c> was asked.</summary>
/// <param name="Policy">The policy file.</param>
/// <param name="Function">The function whose answer it is.</param>
/// <param name="ContentType">As the answer's head has it.</param>
/// <param name="ContentEncoding">As the answer's head has it; empty for none.</param>
/// <param name="Groups">Those of the caller.</param>
/// <param name="Keys">Keys of tokens, <c>name=reference</c>.</param>
/// <param name="Chunk">Bytes read at once, or null for the usual.</param>
/// <param name="Explains">List what was masked.</param>
/// <param name="IsJson">The list is JSON lines.</param>
internal sealed record MaskRequest(
    string Policy, string Function, string ContentType, string ContentEncoding, IReadOnlyList<string> Groups,
    IReadOnlyList<string> Keys, int? Chunk, bool Explains, bool IsJson);

/// <summary>The options of <c>countersign mask</c>.</summary>
internal sealed class MaskArguments
{
    private readonly Option<string> _policy =
        new("--policy") { Description = "Policy file, YAML or JSON", Required = true };
    private readonly Option<string> _function =
        new("--function") { Description = "The function that answers", Required = true };
    private readonly Option<string> _contentType = new("--content-type")
    {
        Description = "The answer's Content-Type",
        DefaultValueFactory = _ => "application/json",
    };
    private readonly Option<string> _contentEncoding = new("--content-encoding")
    {
        Description = "The answer's Content-Encoding: gzip, br, deflate or zstd",
        DefaultValueFactory = _ => "",
    };
    private readonly Option<string> _groups = new("--groups")
    {
        Description = "Groups of the caller, with commas between them",
        DefaultValueFactory = _ => "",
    };
    private readonly Option<string[]> _keys = new("--key")
    {
        Description = "A key of tokens, <name>=file:<path> or <name>=env:<NAME>; a mask without its key redacts",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<int?> _chunk =
        NumberOption.CreateOptional("--chunk", "Bytes to read at once", 1, MaskCommand.ChunkBytesMax);
    private readonly Option<bool> _explain =
        new("--explain") { Description = "List on standard error what was masked, where and why, without values" };
    private readonly Option<bool> _json = new("--json") { Description = "Explain in JSON, an object on each line" };

    /// <summary>Adds them all.</summary>
    internal void AddTo(Command command)
    {
        Option[] options =
            [_policy, _function, _contentType, _contentEncoding, _groups, _keys, _chunk, _explain, _json];
        foreach (Option option in options) command.Options.Add(option);
    }

    /// <summary>What was given.</summary>
    internal MaskRequest Of(ParseResult parsed) => new(
        parsed.GetValue(_policy)!, parsed.GetValue(_function)!, parsed.GetValue(_contentType)!,
        parsed.GetValue(_contentEncoding)!,
        parsed.GetValue(_groups)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        parsed.GetValue(_keys)!, parsed.GetValue(_chunk), parsed.GetValue(_explain) || parsed.GetValue(_json),
        parsed.GetValue(_json));
}
