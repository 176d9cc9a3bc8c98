using System.Globalization;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Masking;
using Countersign.Masking.Detectors;
using Countersign.Policy;
using Countersign.Policy.Redis;

namespace Countersign.ControlPlane.Policies;

/// <summary>Reads, publishes and activates policy versions, for whom it is theirs to.</summary>
internal sealed class PolicyDesk(RedisPolicyStore store, ControlPlaneOptions options, ActLog acts)
{
    /// <summary>Policy admins and auditors read.</summary>
    public bool MayRead(Caller caller) => options.PolicyAdmins.Any(caller.IsIn) || options.Auditors.Any(caller.IsIn);

    /// <summary>Only people write: an agent that holds an admin's groups does not.</summary>
    public bool MayWrite(Caller caller) => caller.IsPerson && options.PolicyAdmins.Any(caller.IsIn);

    public static PolicyReading Read(string text) =>
        PolicyReader.Read(text, new MaskVocabulary(MaskField.Check, DetectorNames.Check));

    public static Reply Validate(string text)
    {
        PolicyReading reading = Read(text);
        return reading.Snapshot is { } snapshot ? PolicyReplies.Valid(snapshot) : PolicyReplies.Invalid(reading.Errors);
    }

    public async ValueTask<Reply> ListAsync(int limit, long? before)
    {
        StoreResult<PolicyHistory> history = await store.ListAsync(limit, before);
        return history.IsOk ? PolicyReplies.List(history.Value!) : Reply.Refuse(Refusal.StoreUnavailable);
    }

    public async ValueTask<Reply> ShowAsync(long version, bool asSource)
    {
        StoreResult<StoredPolicy> found = await store.GetAsync(version);
        if (!found.IsOk) return Absent(found.Status);
        return asSource
            ? Reply.Text(found.Value!.Source, "text/yaml; charset=utf-8")
            : Reply.Json(found.Value!.Document);
    }

    /// <summary>Compiles, stores the next version and puts it in force; with any error nothing changes.</summary>
    public async ValueTask<Reply> PublishAsync(Caller author, string text)
    {
        PolicyReading reading = Read(text);
        if (reading.Snapshot is not { } snapshot) return PolicyReplies.Invalid(reading.Errors);
        using AuditedAct act = acts.Begin(author, ActWords.Publish, "policy", "sha256:" + snapshot.Sha256);
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        StoreResult<StoredPolicy> published = await store.PublishAsync(reading.Json, text, author.Subject);
        if (!published.IsOk)
        {
            act.Fail("the store did not confirm it");
            return Unconfirmed();
        }

        act.Succeed("published and in force", Subject(published.Value!.Version));
        return PolicyReplies.Published(published.Value);
    }

    /// <summary>Puts a stored version in force, if this build still compiles it.</summary>
    public async ValueTask<Reply> ActivateAsync(Caller actor, long version)
    {
        StoreResult<StoredPolicy> found = await store.GetAsync(version);
        if (!found.IsOk) return Absent(found.Status);
        PolicyReading reading = Read(found.Value!.Document);
        if (reading.Snapshot is null) return PolicyReplies.Invalid(reading.Errors);
        using AuditedAct act = acts.Begin(actor, ActWords.Activate, Subject(version), "sha256:" + found.Value.Sha256);
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        StoreStatus status = await store.ActivateAsync(version);
        if (status != StoreStatus.Ok)
        {
            act.Fail("the store did not confirm it");
            return status == StoreStatus.NotFound ? Absent(status) : Unconfirmed();
        }

        act.Succeed("in force");
        return PolicyReplies.Revision(found.Value, isCurrent: true);
    }

    private static Reply Absent(StoreStatus status) => status == StoreStatus.NotFound
        ? Reply.Refuse(Refusal.NotFound, "There is no such policy version.")
        : Reply.Refuse(Refusal.StoreUnavailable);

    private static Reply Unconfirmed() => Reply.Refuse(
        Refusal.StoreUnavailable, "The store did not confirm the change; look at the versions before you repeat it.");

    private static string Subject(long version) => "policy/" + version.ToString(CultureInfo.InvariantCulture);
}
