using System.Collections;
using System.CommandLine;
using Countersign.Cli;
using Countersign.Cli.Approvals;
using Countersign.Cli.Audit;
using Countersign.Cli.Configuration;
using Countersign.Cli.Demo;
using Countersign.Cli.Login;
using Countersign.Cli.Masking;
using Countersign.Cli.Nodes;
using Countersign.Cli.Notices;
using Countersign.Cli.Policies;
using Countersign.Cli.Serve;
using Countersign.Cli.Tokens;

Dictionary<string, string> variables = new(StringComparer.Ordinal);
foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
{
    variables[(string)variable.Key] = (string?)variable.Value ?? "";
}

CommandEnvironment environment = new(
    variables, Environment.MachineName, Console.Out, Console.Error,
    IsInteractive: !Console.IsInputRedirected && !Console.IsOutputRedirected, Console.In, TimeProvider.System)
{
    InBytes = Console.OpenStandardInput(),
    OutBytes = Console.OpenStandardOutput(),
};
return await CommandStart.RunAsync(args, environment, Compose);

static RootCommand Compose(CommandEnvironment environment) => new(
    "Countersign: segregation of duties for function calls. "
    + "Nobody can both ask for a high-impact call and let it happen.")
{
    DemoCommand.Create(environment),
    ServeCommand.Create(environment),
    ConfigCommand.Create(environment),
    PolicyCommand.Create(environment),
    ApprovalsCommand.Create(environment),
    LoginCommand.CreateLogin(environment),
    LoginCommand.CreateLogout(environment),
    NoticesCommand.Create(environment),
    AuditCommand.Create(environment),
    MaskCommand.Create(environment),
    NodesCommand.Create(environment),
    TokenCommand.Create(environment),
    KeysCommand.Create(environment),
    CompletionCommand.Create(environment),
};
