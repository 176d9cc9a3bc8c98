using System.Text.RegularExpressions;

namespace Countersign.Architecture.Tests;

/// <summary>The lines that may break a rule, each with its reason: exemptions.txt.</summary>
internal static partial class Exemptions
{
    /// <summary>As "rule path: reason".</summary>
    private static readonly Match[] All = [.. Repository.List("exemptions.txt").Select(line => Entry().Match(line))];

    /// <summary>
    /// Leaves out what is exempt; names the exemptions that nothing needs and those without a reason.
    /// </summary>
    public static IEnumerable<string> Apply(string rule, IEnumerable<string> findings)
    {
        string[] all = [.. findings];
        string[] paths = [.. All.Where(entry => entry.Groups["rule"].Value == rule).Select(PathOf)];
        return
        [
            .. All.Where(entry => !entry.Success).Select(_ => "exemptions.txt: an entry is not `rule path: reason`"),
            .. paths.Where(path => !all.Any(finding => IsIn(finding, path))).Select(path => path + ": exempt in vain"),
            .. all.Where(finding => !paths.Any(path => IsIn(finding, path))),
        ];
    }

    private static string PathOf(Match entry) => entry.Groups["path"].Value;

    private static bool IsIn(string finding, string path) => finding.StartsWith(path + ":", StringComparison.Ordinal);

    [GeneratedRegex(@"^(?<rule>[a-z-]+) (?<path>\S+): (?<reason>.{10,})$")]
    private static partial Regex Entry();
}
