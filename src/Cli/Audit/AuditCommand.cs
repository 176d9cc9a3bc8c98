using System.CommandLine;
using Countersign.Cli.Policies;

namespace Countersign.Cli.Audit;

/// <summary>
/// <c>countersign audit</c>: verify, prove and read the log. Needs nothing but its folder; what an auditor without the
/// folder may see comes from the control listener.
/// </summary>
internal static class AuditCommand
{
    /// <summary>The command with its verbs.</summary>
    internal static Command Create(CommandEnvironment environment) => new(
        "audit", "Verify, prove and read an audit log")
    {
        VerifyVerb.Create(environment),
        ProveVerb.Create(environment),
        ReceiptVerb.Create(environment),
        RotateKeyVerb.Create(environment),
        WitnessKeyVerb.Create(environment),
        SearchVerb.Create(environment),
        ShowVerb.Create(environment),
        TailVerb.Create(environment),
        ExportVerb.Create(environment),
        StatsVerb.Create(environment),
        ShipVerb.Create(environment),
        SchemaVerb.CreateForAudit(environment),
    };
}
