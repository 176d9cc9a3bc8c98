using System.Globalization;
using System.Text.Json;

namespace Countersign.ControlPlane.Console.Views;

/// <summary>One person's word, as it is shown.</summary>
public sealed record DecisionView(string Approver, bool Approves, string Reason, DateTimeOffset At);

/// <summary>A stage and who has spoken in it.</summary>
public sealed record StageView(
    IReadOnlyList<string> Groups, int Count, IReadOnlyList<DecisionView> Decisions)
{
    /// <summary>How many have agreed.</summary>
    public int Agreed => Decisions.Count(decision => decision.Approves);
}

/// <summary>A header that binds the call.</summary>
/// <param name="State">shown, absent, masked, credential or unreadable.</param>
/// <param name="Value">What of it is shown; empty in any other state.</param>
public sealed record HeaderLine(string Name, string State, string Value);

/// <summary>What one person did beyond deciding, and what they said.</summary>
public sealed record SaidView(string By, string Text, DateTimeOffset At);

/// <summary>
/// An approval as the console shows it: read from the API's own JSON (decision 0053), so that a page can show nothing
/// that the API would have masked for the same person.
/// </summary>
public sealed record ApprovalView
{
    public required string Id { get; init; }

    public required string State { get; init; }

    public required string Function { get; init; }

    public required string Risk { get; init; }

    public required string Method { get; init; }

    public required string Target { get; init; }

    /// <summary>The masked body; undefined where it cannot be shown.</summary>
    public required JsonElement Arguments { get; init; }

    public required string ContentType { get; init; }

    /// <summary>The body's length; -1 where it is gone.</summary>
    public required long BodyBytes { get; init; }

    /// <summary>The headers that bind the call; empty where there are none, and where they are gone.</summary>
    public required IReadOnlyList<HeaderLine> Headers { get; init; }

    public required string Issuer { get; init; }

    public required string Subject { get; init; }

    public required string Kind { get; init; }

    public required IReadOnlyList<string> Groups { get; init; }

    public required IReadOnlyList<string> Chain { get; init; }

    /// <summary>Who acts with the subject's token; empty where nobody else does.</summary>
    public string Actor { get; init; } = "";

    /// <summary>Who vouches for them.</summary>
    public string ActorIssuer { get; init; } = "";

    /// <summary>What the person whose token an agent acts with holds themself, as this fleet last saw; null where it is
    /// not known, or nobody acts for anybody. <see cref="Groups"/> are those that the agent acts with.</summary>
    public IReadOnlyList<string>? OwnGroups { get; init; }

    public required string Reason { get; init; }

    public required string Digest { get; init; }

    public required string Rule { get; init; }

    public required IReadOnlyList<StageView> Stages { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public required long PolicyVersion { get; init; }

    public required string Call { get; init; }

    /// <summary>Who let it through in an emergency; null where nobody did.</summary>
    public SaidView? BreakGlass { get; init; }

    /// <summary>Who looked at that afterwards; null while nobody has.</summary>
    public SaidView? Review { get; init; }

    public bool OwesReview => BreakGlass is not null && Review is null;

    public bool IsPending => State == "pending";

    public bool HasArguments =>
        Arguments.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>Reads the API's object.</summary>
    internal static ApprovalView Read(JsonElement json)
    {
        JsonElement caller = json.GetProperty("caller");
        return new ApprovalView
        {
            Id = Text(json, "id"),
            State = Text(json, "state"),
            Function = Text(json, "function"),
            Risk = Text(json, "risk"),
            Method = Text(json, "method"),
            Target = Text(json, "target"),
            Arguments = json.TryGetProperty("arguments", out JsonElement body) ? body.Clone() : default,
            ContentType = Text(json, "content_type"),
            BodyBytes = json.TryGetProperty("body_bytes", out JsonElement bytes) ? bytes.GetInt64() : -1,
            Headers = json.TryGetProperty("headers", out JsonElement headers)
                && headers.ValueKind == JsonValueKind.Array
                ? [.. headers.EnumerateArray().Select(one => new HeaderLine(
                    Text(one, "name"), Text(one, "state"), Text(one, "value")))]
                : [],
            Issuer = Text(caller, "issuer"),
            Subject = Text(caller, "subject"),
            Kind = Text(caller, "kind"),
            Groups = Texts(caller, "groups"),
            Chain = Texts(caller, "chain"),
            Actor = caller.TryGetProperty("actor", out JsonElement actor) ? Text(actor, "subject") : "",
            ActorIssuer = actor.ValueKind == JsonValueKind.Object ? Text(actor, "issuer") : "",
            Reason = Text(json, "reason"),
            Digest = Text(json, "digest"),
            Rule = Text(json, "rule"),
            Stages = [.. json.GetProperty("stages").EnumerateArray().Select(ReadStage)],
            CreatedAt = Time(json, "created_at"),
            ExpiresAt = Time(json, "expires_at"),
            PolicyVersion = json.GetProperty("policy_version").GetInt64(),
            Call = Text(json, "call"),
            BreakGlass = Said(json, "break_glass", "reason"),
            Review = Said(json, "review", "note"),
        };
    }

    private static StageView ReadStage(JsonElement stage) => new(
        Texts(stage, "groups"),
        stage.GetProperty("count").GetInt32(),
        [.. stage.GetProperty("decisions").EnumerateArray().Select(ReadDecision)]);

    private static DecisionView ReadDecision(JsonElement said) => new(
        Text(said, "approver"), Text(said, "decision") == "approve", Text(said, "reason"), Time(said, "at"));

    private static SaidView? Said(JsonElement json, string name, string text) =>
        json.TryGetProperty(name, out JsonElement said) && said.ValueKind == JsonValueKind.Object
            ? new SaidView(Text(said, "by"), Text(said, text), Time(said, "at"))
            : null;

    private static string Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";

    private static string[] Texts(JsonElement json, string name) =>
        [.. json.GetProperty(name).EnumerateArray().Select(one => one.GetString() ?? "")];

    private static DateTimeOffset Time(JsonElement json, string name) => DateTimeOffset.Parse(
        json.GetProperty(name).GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
