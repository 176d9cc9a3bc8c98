using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Cli.Configuration;
using Countersign.Policy;
using Countersign.Policy.Redis;
using Countersign.Policy.Review;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Cli.Policies;

/// <summary>
/// <c>countersign policy</c>: check and publish policy, through the control API or straight to the store.
/// </summary>
internal static class PolicyCommand
{
    private const string Path = "/api/v1/policies";

    private const string StoreIsGoverned = "the store has a policy, and another version takes effect through the "
        + "control API alone, where policy.approvers and the audit are: publish with --control and a token. Straight "
        + "to a store only the first policy of all is published";

    /// <summary>The command with its verbs.</summary>
    internal static Command Create(CommandEnvironment environment) =>
        new("policy", "Write, check, compare and publish policy")
    {
        ValidateVerb.Create(environment), TestVerb.Create(environment), ExplainVerb.Create(environment),
        DiffVerb.Create(environment), ReplayVerb.Create(environment), Publish(environment), History(environment),
        RollbackCommand.Create(environment), ImportVerb.Create(environment), SchemaVerb.Create(environment),
    };

    private static Command Publish(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Argument<string> file = new("file") { Description = "Policy file, YAML or JSON" };
        Option<string?> config =
            new("--config") { Description = "Publish a first policy straight to the store of this configuration file" };
        Option<string?> store =
            new("--store") { Description = "Publish a first policy straight to this store: a Redis connection string" };
        Option<string> author = new("--author")
        {
            Description = "Who publishes, when straight to the store",
            DefaultValueFactory = _ => "operator",
        };
        DirectoryOptions directory = new();
        Option<bool> outside = PolicyFile.IncludeOutside();
        Option<bool> json = new("--json") { Description = "Print JSON" };
        Option<long?> expect = PolicyOptions.Expect();
        Option<bool> resume = PolicyOptions.Resume();
        Command command = new("publish", "Check a policy and put it in force")
        {
            file, config, store, author, expect, resume, outside, json,
        };
        ProposalWait wait = new();
        directory.AddTo(command);
        wait.AddTo(command);
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            PolicyFile? policy = PolicyFile.Read(environment, parsed.GetValue(file)!, parsed.GetValue(outside));
            if (policy is null) return ExitCodes.Usage;
            bool isRead = directory.TryRead(environment, parsed, out PeopleDirectory? people);
            if (!isRead) return ExitCodes.Usage;
            IReadOnlyList<PolicyFinding> findings = policy.Reading.Snapshot is { } snapshot
                ? HoleFinder.Find(snapshot, people) : [];
            if (!ValidateVerb.IsGood(policy.Reading, findings))
            {
                if (parsed.GetValue(json)) environment.Out.WriteLine(ValidateVerb.ToJson(policy.Reading, findings));
                ValidateVerb.PrintFaults(environment, policy, findings);
                return environment.Fail("nothing was published");
            }

            if (!parsed.GetValue(json)) ValidateVerb.PrintFaults(environment, policy, findings);
            bool straight = parsed.GetValue(config) is not null || parsed.GetValue(store) is not null;
            if (straight && control.IsGiven(parsed))
            {
                return environment.Fail("give either --control and a token, or --config or --store", ExitCodes.Usage);
            }

            if (straight && parsed.GetValue(expect) is not (null or 0))
            {
                return environment.Fail(StoreIsGoverned, ExitCodes.Usage);
            }

            if (straight && parsed.GetValue(resume))
            {
                return environment.Fail("--resume needs --control: gateways know what was lost", ExitCodes.Usage);
            }

            return straight
                ? await PublishToStoreAsync(
                    environment, parsed.GetValue(config), parsed.GetValue(store), policy.Reading, policy.Source,
                    parsed.GetValue(author)!, parsed.GetValue(json))
                : await PublishByApiAsync(
                    environment, control, wait, parsed, policy.Source,
                    parsed.GetValue(expect), parsed.GetValue(resume), parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static Command History(CommandEnvironment environment)
    {
        ControlOptions control = new();
        Option<bool> json = new("--json") { Description = "Print the API's JSON" };
        Command command = new("history", "List published versions, newest first") { json };
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer = await client.GetAsync(Path, cancellation);
            if (!answer.IsOk) return environment.Fail(answer);
            if (parsed.GetValue(json)) environment.Out.WriteLine(answer.Text);
            else PrintHistory(environment.Out, answer.Body!["items"]!.AsArray());
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<int> PublishByApiAsync(
        CommandEnvironment environment, ControlOptions control, ProposalWait wait, ParseResult parsed, string text,
        long? expect, bool resume, bool json, CancellationToken cancellation)
    {
        using ControlClient? client = control.Open(environment, parsed);
        if (client is null) return ExitCodes.Usage;
        ControlAnswer list = await client.GetAsync(Path + "?limit=1", cancellation);
        if (!list.IsOk) return environment.Fail(list);

        // Two who publish at once must not undo each other unseen: the second one is told.
        long current = list.Body!["current"]!.GetValue<long>();
        long expected = expect ?? current;
        ControlAnswer answer = await client.PostAsync(
            Path + PolicyOptions.Query(expected, resume), text, "application/yaml", cancellation, wait.Reason(parsed));
        if (json && answer.IsOk) answer.Body!["after"] = expected == PolicyOptions.Any ? current : expected;
        if (json && answer.Status != 0) environment.Out.WriteLine(answer.Body?.ToJsonString() ?? answer.Text);
        if (!answer.IsOk) return environment.Fail(PolicyOptions.Problem(answer, expected));
        long after = expected == PolicyOptions.Any ? current : expected;
        if (!json && ProposalWait.IsAwaited(answer)) environment.Out.WriteLine($"after version {after}");
        if (ProposalWait.IsAwaited(answer))
            return await wait.FinishAsync(environment, client, parsed, answer, json, cancellation);
        if (!json)
        {
            environment.Out.WriteLine(
                $"published version {answer.Body!["version"]}, after {after}, sha256 {answer.Body["sha256"]}");
        }

        return ExitCodes.Ok;
    }

    private static async Task<int> PublishToStoreAsync(
        CommandEnvironment environment, string? config, string? connection, PolicyReading reading, string text,
        string author, bool json)
    {
        if (connection is null)
        {
            ConfigurationReading configuration = ConfigurationReader.Read(
                config, environment.Variables, new ConfigurationFlags(), environment.MachineName);
            foreach (string error in configuration.Errors) environment.Fail(error);
            if (configuration.Options is null) return ExitCodes.Usage;
            connection = configuration.Options.Redis;
            if (connection is null)
            {
                return environment.Fail(
                    "the embedded store belongs to its gateway; publish with --control and a token", ExitCodes.Usage);
            }
        }

        // Only the gateways know who must approve a change, and whoever can reach the store could name a configuration
        // without approvers: so a policy that is there is never replaced from here, in the store's own step.
        await using RedisStore store = await RedisStore.ConnectAsync(connection, NullLogger.Instance);
        StoreResult<StoredPolicy> published = await new RedisPolicyStore(store).PublishAsync(
            reading.Json, text, author, expected: new PolicyExpectation(Current: 0));
        if (published.Status == StoreStatus.Conflict) return environment.Fail(StoreIsGoverned);

        if (!published.IsOk)
        {
            return environment.Fail("the store did not answer; whether the policy was published is not known");
        }

        JsonObject result = new() { ["version"] = published.Value!.Version, ["sha256"] = published.Value.Sha256 };
        environment.Out.WriteLine(json
            ? result.ToJsonString()
            : $"published version {published.Value.Version}, sha256 {published.Value.Sha256}");
        return ExitCodes.Ok;
    }

    private static string StateOf(JsonNode item) => item["state"]?.ToString().Replace('-', ' ') ?? "";

    private static void PrintHistory(TextWriter output, JsonArray items)
    {
        foreach (JsonNode? item in items)
        {
            string mark = item!["current"]?.GetValue<bool>() == true ? "*" : " ";
            output.WriteLine(
                $"{mark} {item["version"],4}  {StateOf(item),-14}  {item["at"]}  {item["sha256"]!.ToString()[..12]}"
                + $"  {item["author"]}");
        }
    }
}
