using System.Text.Json.Nodes;
using Countersign.Cli.Serve;
using Countersign.Masking;
using Countersign.Masking.Detectors;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using MaskAction = Countersign.Masking.MaskAction;
using MaskRule = Countersign.Masking.MaskRule;

namespace Countersign.Cli.Masking;

/// <summary>
/// Tells what was masked, where and why: the path, the action, the mask and its field or detector. Never a value, and
/// nothing that deceives whoever reads it: paths are of names that the function chose.
/// </summary>
internal sealed class MaskExplanation : IMaskListener
{
    private readonly TextWriter _output;
    private readonly bool _isJson;
    private readonly List<(string Mask, string Reason)> _rules = [];

    internal MaskExplanation(
        TextWriter output, IReadOnlyList<MaskTerms> masks, IReadOnlyList<MaskSelection> selections, bool isJson)
    {
        _output = isJson ? new SafeJson(output) { IsOn = true } : output;
        _isJson = isJson;
        for (int at = 0; at < masks.Count; at++)
        {
            foreach (MaskRule rule in selections[at].Rules())
            {
                string reason = rule.Detect == DetectorSet.None ? "field " + rule.Field : "detector " + rule.Class;
                _rules.Add((masks[at].Id, reason));
            }
        }
    }

    /// <inheritdoc/>
    public void Masked(MaskFinding finding)
    {
        bool isKnown = finding.Rule >= 0 && finding.Rule < _rules.Count;
        (string mask, string reason) = isKnown ? _rules[finding.Rule] : ("", "JSON in a string that cannot be read");
        string action = NameOf(finding.Action);
        Write(
            new JsonObject { ["path"] = finding.Path, ["action"] = action, ["mask"] = mask, ["reason"] = reason },
            $"{finding.Path}  {action}  {(mask.Length > 0 ? mask + ": " : "")}{reason}");
    }

    /// <summary>Ends the list.</summary>
    /// <param name="masked">How many values; -1 where the body was refused.</param>
    /// <param name="refusedBecause">Why it was.</param>
    internal void End(int masked, string refusedBecause)
    {
        if (masked >= 0) Write(new JsonObject { ["masked"] = masked }, $"{masked} masked");
        else if (_isJson) Write(new JsonObject { ["refused"] = refusedBecause }, "");
    }

    /// <summary>Ends the list of a body that passed as it was.</summary>
    internal void EndUnmasked(string because) =>
        Write(new JsonObject { ["masked"] = 0, ["passed"] = because }, "0 masked: " + because);

    private void Write(JsonObject json, string text) =>
        _output.WriteLine(_isJson ? json.ToJsonString(LogOptions.PlainJson) : SafeText.Show(text));

    private static string NameOf(MaskAction action) => action switch
    {
        MaskAction.KeepLast4 => "keep-last-4",
        MaskAction.Tokenize => "tokenize",
        MaskAction.Null => "null",
        MaskAction.Drop => "drop",
        _ => "redact",
    };
}
