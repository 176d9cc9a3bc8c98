using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Policy.Approvals;

namespace Countersign.Cli.Approvals;

/// <summary>
/// Approvals for people. What callers wrote is shown so that it cannot steer the terminal or be taken for something
/// else (<see cref="SafeText"/>).
/// </summary>
internal static class ApprovalText
{
    /// <summary>JSON on one line with letters as they are: what deceives is marked afterwards.</summary>
    internal static readonly JsonSerializerOptions OneLine =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A table, and where to go on.</summary>
    internal static void PrintList(CommandEnvironment environment, JsonObject page)
    {
        JsonArray items = page["items"]!.AsArray();
        if (items.Count == 0)
        {
            environment.Out.WriteLine("Nothing waits.");
        }
        else
        {
            TextTable.Print(
                environment.Out, ["ID", "STATE", "FUNCTION", "RISK", "CALLER", "PEOPLE", "EXPIRES", "REASON"],
                items.Select(item => Row(item!.AsObject())));
        }

        if (Text(page, "next") is { Length: > 0 } next) environment.Error.WriteLine("more: --cursor " + next);
    }

    /// <summary>One approval on one line, for a stream of them.</summary>
    internal static string Line(string what, JsonObject approval)
    {
        JsonObject caller = approval["caller"]!.AsObject();
        string people = List(caller["chain"]);
        string behind = people == Asker(caller) ? "" : " for " + people;
        return SafeText.Show(
            $"{what,-7} {Text(approval, "id")}  {Text(approval, "state")}  {Text(approval, "function")}"
            + $"  {Text(approval, "risk")}  {Asker(caller)}{behind}: {Text(approval, "reason")}");
    }

    /// <summary>One approval, whole.</summary>
    internal static void Print(CommandEnvironment environment, JsonObject approval)
    {
        TextWriter output = environment.Out;
        JsonObject caller = approval["caller"]!.AsObject();
        Line(output, "approval", Text(approval, "id") + "  " + Text(approval, "state"));
        Line(output, "function", Text(approval, "function") + "  risk " + Text(approval, "risk"));
        Line(output, "call", Text(approval, "method") + " " + Text(approval, "target"));
        PrintAsker(output, caller);
        Line(output, "reason", Text(approval, "reason"));
        Line(output, "rule", Text(approval, "rule") + "  policy version " + Text(approval, "policy_version"));
        Line(output, "expires", Text(approval, "expires_at") + Left(environment, approval));
        Line(output, "digest", Text(approval, "digest"));
        foreach (JsonNode? item in approval["stages"]!.AsArray()) PrintStage(output, item!.AsObject());
        foreach (JsonNode? item in approval["headers"]?.AsArray() ?? []) PrintHeader(output, item!.AsObject());
        PrintBody(output, approval);
        if (approval["arguments"] is not { } arguments) return;
        output.WriteLine("arguments:");
        foreach (string line in arguments.ToJsonString(Indented).Split('\n'))
            output.WriteLine("  " + SafeText.Show(line.TrimEnd('\r')));
    }

    /// <summary>What became of earlier calls like it.</summary>
    internal static void PrintEarlier(TextWriter output, JsonArray items)
    {
        if (items.Count == 0) return;
        output.WriteLine("earlier calls by the same caller of the same function:");
        foreach (JsonNode? item in items)
        {
            JsonObject earlier = item!.AsObject();
            string by = string.Join(", ", earlier["decisions"]!.AsArray().Select(
                said => Text(said!.AsObject(), "decision") + " by " + Text(said.AsObject(), "approver")));
            string same = earlier["identical"]!.GetValue<bool>() ? "  the same call" : "";
            output.WriteLine("  " + SafeText.Show(
                $"{Text(earlier, "created_at")}  {Text(earlier, "state")}{same}  {by}  {Text(earlier, "reason")}"));
        }
    }

    private static string[] Row(JsonObject approval)
    {
        JsonObject caller = approval["caller"]!.AsObject();
        return
        [
            Text(approval, "id"), Text(approval, "state"), Text(approval, "function"), Text(approval, "risk"),
            Asker(caller), List(caller["chain"], ","), Text(approval, "expires_at"),
            Text(approval, "reason"),
        ];
    }

    // The groups are those of the token, which are the agent's where one acts: never the person's for whom it does.
    private static void PrintAsker(TextWriter output, JsonObject caller)
    {
        string groups = List(caller["groups"]);
        Line(
            output, "asked by",
            $"{Asker(caller)} ({Text(caller, "kind")}), in groups {(groups.Length > 0 ? groups : "none")}"
            + $"  people behind it: {List(caller["chain"])}");
        if (caller["actor"] is not JsonObject actor) return;
        Line(
            output, "acting for",
            $"{Text(caller, "subject")}, vouched for by {Text(caller, "issuer")}"
            + $"; the agent by {Text(actor, "issuer")}");
    }

    private static void PrintStage(TextWriter output, JsonObject stage)
    {
        Line(output, "stage", $"{stage["count"]} of {List(stage["groups"], " or ")}");
        foreach (JsonNode? one in stage["decisions"]!.AsArray())
        {
            JsonObject said = one!.AsObject();
            Line(
                output, "",
                $"  {Text(said, "decision")} by {Text(said, "approver")} at {Text(said, "at")} {Text(said, "reason")}");
        }
    }

    // The digest covers them, so an approver must see them or be told that they do not.
    private static void PrintHeader(TextWriter output, JsonObject header)
    {
        string value = Text(header, "state") switch
        {
            "shown" => Text(header, "value"),
            "absent" => "(not sent; the call is bound to that)",
            "credential" => "(a credential, never shown; the call is bound to it)",
            "masked" => "(masked for you)",
            _ => "CANNOT BE SHOWN: it is not text, or cannot be masked",
        };
        Line(output, "header", Text(header, "name") + ": " + value);
    }

    // Only while it can still come to something: a settled one has no time left, whatever its window was.
    private static string Left(CommandEnvironment environment, JsonObject approval)
    {
        if (Text(approval, "state") is not ("pending" or "approved")) return "";
        bool isTime = DateTimeOffset.TryParse(
            Text(approval, "expires_at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
            out DateTimeOffset at);
        if (!isTime) return "";
        TimeSpan left = at - environment.Clock.GetUtcNow();
        if (left <= TimeSpan.Zero) return "  (over)";
        return left < TimeSpan.FromMinutes(1)
            ? string.Create(CultureInfo.InvariantCulture, $"  ({(int)left.TotalSeconds} s left)")
            : string.Create(CultureInfo.InvariantCulture, $"  ({(int)left.TotalMinutes} min left)");
    }

    // An approver must not take a body that cannot be shown for no body at all.
    private static void PrintBody(TextWriter output, JsonObject approval)
    {
        string bytes = Text(approval, "body_bytes"), type = Text(approval, "content_type");
        if (bytes is "" or "0") return;
        string note = approval["arguments"] is null ? "  CANNOT BE SHOWN: it is not JSON" : "";
        Line(output, "body", $"{bytes} bytes of {(type.Length > 0 ? type : "unknown type")}{note}");
    }

    private static void Line(TextWriter output, string name, string value) =>
        output.WriteLine($"{name,-10} {SafeText.Show(value)}");

    private static string List(JsonNode? items, string between = ", ") =>
        string.Join(between, items!.AsArray().Select(one => one!.ToString()));

    // Who acts, where that is not the subject of the token.
    private static string Asker(JsonObject caller) =>
        caller["actor"] is JsonObject actor ? Text(actor, "subject") : Text(caller, "subject");

    private static string Text(JsonObject from, string name) => from[name]?.ToString() ?? "";
}
