using System.Globalization;
using System.Text.Json;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;

namespace Countersign.ControlPlane.Policies;

/// <summary>Policies as this listener shows them.</summary>
internal static class PolicyReplies
{
    private const string InForce = "in-force";

    /// <summary>The tag of the store's policy as a whole: it changes with every change.</summary>
    public static string TagOf(PolicyMark mark)
    {
        string hash = mark.Hash.Length > 16 ? mark.Hash[..16] : "0";
        return string.Create(CultureInfo.InvariantCulture, $"\"{mark.Change}-{hash}\"");
    }

    public static Reply List(PolicyHistory history, IReadOnlyDictionary<long, ApprovalState> proposed) =>
        Reply.Json(200, json =>
    {
        json.WriteStartObject();
        json.WriteNumber("current", history.Current);
        if (history.Before > 0) json.WriteNumber("before", history.Before);
        else json.WriteNull("before");
        json.WriteNumber("change", history.Mark.Change);
        json.WriteStartArray("items");
        foreach (PolicyRevision revision in history.Items)
        {
            bool isCurrent = revision.Version == history.Current;
            WriteRevision(json, revision, isCurrent, StateOf(revision, isCurrent, proposed));
        }

        json.WriteEndArray();
        if (history.Next > 0) json.WriteString("next", history.Next.ToString(CultureInfo.InvariantCulture));
        else json.WriteNull("next");
        json.WriteEndObject();
    }) with
        {
            ETag = TagOf(history.Mark),
        };

    private static string StateOf(
        PolicyRevision revision, bool isCurrent, IReadOnlyDictionary<long, ApprovalState> proposed)
    {
        if (isCurrent) return InForce;
        if (revision.WasInForce == true) return "was-in-force";
        if (proposed.TryGetValue(revision.Version, out ApprovalState state))
            return state == ApprovalState.Denied ? "denied" : "pending";
        return revision.WasInForce is null ? "unknown" : "never-in-force";
    }

    /// <summary>The change was asked for on another policy than the present one.</summary>
    public static Reply Changed(PolicyMark mark) => Reply.Refuse(
        Refusal.PreconditionFailed, "Somebody changed the policy meanwhile: look at it, and try again.", json =>
        {
            json.WriteNumber("current", mark.Current);
            json.WriteNumber("change", mark.Change);
        }) with
    {
        ETag = TagOf(mark),
    };

    /// <summary>The change does not say what it follows, and would replace what somebody else put in force.</summary>
    public static Reply Unstated(PolicyMark mark, PolicyAuthor author)
    {
        string by = author.Subject.Length == 0 ? "somebody else"
            : author.Issuer.Length == 0 ? author.Subject
            : $"{author.Subject} of {author.Issuer}";
        string detail = string.Create(
            CultureInfo.InvariantCulture,
            $"Version {mark.Current} was put in force by {by}, and this does not say that it follows it. Look at it, "
                + $"and send If-Match with the ETag of the list of policies, or expect={mark.Current}.");
        return Reply.Refuse(Refusal.PreconditionRequired, detail, json =>
        {
            json.WriteNumber("current", mark.Current);
            json.WriteNumber("change", mark.Change);
        }) with
        {
            ETag = TagOf(mark),
        };
    }

    public static Reply Revision(PolicyRevision revision, bool isCurrent) =>
        Reply.Json(200, json => WriteRevision(json, revision, isCurrent, isCurrent ? InForce : "unknown"));

    public static Reply Published(PolicyRevision revision) => Reply.Json(201, json =>
    {
        json.WriteStartObject();
        json.WriteNumber("version", revision.Version);
        json.WriteString("sha256", revision.Sha256);
        json.WriteEndObject();
    }) with
    {
        Location = "/api/v1/policies/" + revision.Version.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>The version is stored, and in force once another person approves it.</summary>
    public static Reply Waits(
        PolicyRevision revision, Approval approval, IReadOnlyList<string> approvers, string publicUrl) =>
        Reply.Json(202, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("version", revision.Version);
            json.WriteString("sha256", revision.Sha256);
            json.WriteString("state", ApprovalStates.NameOf(approval.State));
            json.WriteString("approval", approval.Id);
            json.WriteString("status_url", publicUrl + "/api/v1/approvals/" + approval.Id);
            json.WriteString("digest", approval.Digest);
            json.WriteString("expires_at", Timestamps.Format(approval.ExpiresAt));
            json.WriteStartArray("approvers");
            foreach (string group in approvers) json.WriteStringValue(group);
            json.WriteEndArray();
            json.WriteEndObject();
        }) with
        {
            Location = "/api/v1/approvals/" + approval.Id,
        };

    public static Reply Valid(PolicySnapshot snapshot, IReadOnlyList<PolicyError> warnings) => Reply.Json(200, json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("valid", true);
        json.WriteNumber("functions", snapshot.Functions.Count);
        json.WriteNumber("rules", snapshot.Rules.Count);
        if (warnings.Count > 0) WriteErrors(json, "warnings", warnings);
        json.WriteEndObject();
    });

    /// <summary>Every error of the document, with its place.</summary>
    public static Reply Invalid(IReadOnlyList<PolicyError> errors)
    {
        string detail = errors.Count == 1 ? "There is one error." : $"There are {errors.Count} errors.";
        return Reply.Refuse(Refusal.PolicyInvalid, detail, json =>
        {
            WriteErrors(json, "errors", errors);
        });
    }

    private static void WriteErrors(Utf8JsonWriter json, string name, IReadOnlyList<PolicyError> errors)
    {
        json.WriteStartArray(name);
        foreach (PolicyError error in errors)
        {
            json.WriteStartObject();
            json.WriteNumber("line", error.Line);
            json.WriteNumber("column", error.Column);
            json.WriteString("message", error.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteRevision(Utf8JsonWriter json, PolicyRevision revision, bool isCurrent, string state)
    {
        json.WriteStartObject();
        json.WriteNumber("version", revision.Version);
        json.WriteString("author", revision.Author);
        json.WriteString("at", Timestamps.Format(revision.At));
        json.WriteString("sha256", revision.Sha256);
        json.WriteBoolean("current", isCurrent);
        json.WriteString("state", state);
        json.WriteNumber("change", revision.Change);
        json.WriteString("previous", revision.Previous);
        json.WriteString("hash", revision.Hash);
        json.WriteEndObject();
    }
}
