using System.CommandLine;
using System.Text.Json.Nodes;
using Countersign.Audit;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Audit;

/// <summary><c>audit show</c>: a call as a story.</summary>
internal static class ShowVerb
{
    internal static Command Create(CommandEnvironment environment)
    {
        FolderOptions folder = new();
        ControlOptions control = new();
        Argument<string> call = new("call") { Description = "The call's id, as in Countersign-Call" };
        Option<bool> json = new("--json") { Description = "Print JSON: steps and records" };
        Command command = new(
            "show", "Tell a call as a story, from a log's folder or the control listener") { call, json };
        folder.AddTo(command, hasArgument: false);
        control.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (!Guid.TryParseExact(parsed.GetValue(call), "D", out Guid id))
                return environment.Fail("name a call's id, as in Countersign-Call", ExitCodes.Usage);
            if (folder.IsMeant(parsed, control))
            {
                if (folder.Find(environment, parsed) is not { } path) return ExitCodes.Usage;
                return CallStory.Find(path, id) is { } story
                    ? Print(environment, ToJson(story), parsed.GetValue(json))
                    : environment.Fail($"the log holds no record of {id}");
            }

            using ControlClient? client = control.Open(environment, parsed);
            if (client is null) return ExitCodes.Usage;
            ControlAnswer answer = await client.GetAsync($"/api/v1/audit/calls/{id}", cancellation);
            return answer.IsOk
                ? Print(environment, answer.Body!.AsObject(), parsed.GetValue(json))
                : environment.Fail(answer);
        });
        return command;
    }

    private static JsonObject ToJson(CallStory story) => new()
    {
        ["call"] = story.Call.ToString("D"),
        ["steps"] = new JsonArray([.. story.Steps().Select(step => new JsonObject
        {
            ["index"] = step.Index, ["at"] = step.At, ["step"] = step.Step, ["text"] = step.Text,
        })]),
        ["items"] = new JsonArray([.. story.Records.Select(entry => SearchVerb.Indexed(entry))]),
        ["acts"] = new JsonArray([.. story.Acts.Select(entry => SearchVerb.Indexed(entry))]),
    };

    private static int Print(CommandEnvironment environment, JsonObject story, bool json)
    {
        if (json)
        {
            environment.Out.WriteLine(story.ToJsonString(Serve.LogOptions.PlainJson));
            return ExitCodes.Ok;
        }

        environment.Out.WriteLine("call " + story["call"]);
        foreach (JsonNode? step in story["steps"]!.AsArray())
        {
            environment.Out.WriteLine(SafeText.Show(
                $"  {step!["at"]}  {step["step"],-9}  {step["text"]}  (entry {step["index"]})"));
        }

        foreach (JsonNode? record in story["items"]!.AsArray()) PrintCopies(environment, record!.AsObject());
        return ExitCodes.Ok;
    }

    private static void PrintCopies(CommandEnvironment environment, JsonObject record)
    {
        foreach (string name in (string[])["request", "response"])
        {
            if (record[name + "_copy"] is { } copy)
                environment.Out.WriteLine(SafeText.Show($"  {name}: {copy}"));
            else if (record[name + "_copy_withheld"] is { } why)
                environment.Out.WriteLine(SafeText.Show($"  {name}: withheld, {why}"));
            if (record[name + "_digest"] is { } digest) environment.Out.WriteLine($"  {name} digest: {digest}");
        }
    }
}
