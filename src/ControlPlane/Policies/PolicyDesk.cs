using System.Globalization;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;

namespace Countersign.ControlPlane.Policies;

/// <summary>Reads, publishes and activates policy versions, for whom it is theirs to.</summary>
internal sealed class PolicyDesk(
    ControlPlaneServices services, ControlPlaneOptions options, ActLog acts, PolicyProposals proposals,
    Func<string> publicUrl, TimeProvider clock)
{
    private readonly PolicyCheck _check = new(
        options, new LearnedCallers(services.Audit, clock), services.LendingFault);

    private readonly RedisPolicyStore _store = services.Policies;

    /// <summary>Policy admins and auditors read.</summary>
    public bool MayRead(Caller caller) => options.PolicyAdmins.Any(caller.IsIn) || options.Auditors.Any(caller.IsIn);

    /// <summary>Only people write: an agent that holds an admin's groups does not.</summary>
    public bool MayWrite(Caller caller) => caller.IsPerson && options.PolicyAdmins.Any(caller.IsIn);

    /// <summary>Anybody may ask what a document means; what it means for whom is shown to those who may read.</summary>
    public Reply Validate(Caller caller, string text, bool showsWarnings)
    {
        CheckedPolicy policy = _check.Check(text, overPeople: MayRead(caller));
        return policy.Snapshot is { } snapshot
            ? PolicyReplies.Valid(snapshot, showsWarnings
                ? policy.Warnings : []) : PolicyReplies.Invalid(policy.Errors);
    }

    public async ValueTask<Reply> ListAsync(int limit, long? before, Func<string, bool> isKnown)
    {
        StoreResult<PolicyHistory> history = await _store.ListAsync(limit, before);
        if (!history.IsOk) return Reply.Refuse(Refusal.StoreUnavailable);
        string tag = PolicyReplies.TagOf(history.Value!.Mark);

        // The tag stands for the policy; what waits for approval changes without it.
        if (options.PolicyApprovers.Count == 0 && isKnown(tag)) return Reply.NotModified(tag);
        return PolicyReplies.List(history.Value, await proposals.StatesAsync(history.Value));
    }

    public async ValueTask<Reply> ShowAsync(long version, bool asSource, Func<string, bool> isKnown)
    {
        StoreResult<StoredPolicy> found = await _store.GetAsync(version);
        if (!found.IsOk) return Absent(found.Status);

        // Versions never change, and the two forms of one are two representations.
        string tag = "\"" + found.Value!.Sha256 + (asSource ? "-source\"" : "\"");
        if (isKnown(tag)) return Reply.NotModified(tag);
        Reply reply = asSource
            ? Reply.Text(found.Value.Source, "text/yaml; charset=utf-8")
            : Reply.Json(found.Value.Document);
        return reply with { ETag = tag };
    }

    /// <summary>Writes a change that was refused before anything was intended.</summary>
    public void RefuseWrite(Caller actor, ActWords words, string subject, string why)
    {
        using AuditedAct act = acts.Begin(actor, words, subject, "");
        act.Fail(why);
    }

    /// <summary>Compiles, stores the next version and puts it in force; with any error nothing changes.</summary>
    public async ValueTask<Reply> PublishAsync(Caller author, string text, PolicyTerms terms)
    {
        CheckedPolicy policy = _check.Check(text, overPeople: true);
        if (policy.Snapshot is not { } snapshot)
        {
            RefuseWrite(author, ActWords.Publish, "policy", Faults(policy.Errors));
            return PolicyReplies.Invalid(policy.Errors);
        }

        PolicyMark? before = await BeforeAsync(terms);
        PolicyReading reading = policy.Reading;
        using AuditedAct act = acts.Begin(author, ActWords.Publish, "policy", "sha256:" + snapshot.Sha256);
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        (PolicyGround? ground, Reply? refusal) = await GroundAsync(terms, before, author, act);
        if (ground is null) return refusal!;
        bool governed = proposals.Governs(ground.Mark);
        StoreResult<StoredPolicy> published = await _store.PublishAsync(
            reading.Json, text, author.Subject, activate: !governed, ground.Expected, ground.ResumeAfter,
            author.Issuer);
        if (published.Status == StoreStatus.Conflict)
        {
            act.Fail("the policy has changed since");
            return await ChangedAsync();
        }

        if (!published.IsOk)
        {
            act.Fail("the store did not confirm it");
            return Unconfirmed();
        }

        if (governed)
        {
            act.Succeed("stored; waits for another person", Subject(published.Value!.Version));
            return await ProposeAsync(author, published.Value, isNew: true, ground, terms.Reason);
        }

        act.Succeed("published and in force", Subject(published.Value!.Version));
        return PolicyReplies.Published(published.Value);
    }

    /// <summary>Puts a stored version in force, if this build still compiles it.</summary>
    public async ValueTask<Reply> ActivateAsync(Caller actor, long version, PolicyTerms terms)
    {
        PolicyMark? before = await BeforeAsync(terms);
        StoreResult<StoredPolicy> found = await _store.GetAsync(version);
        if (!found.IsOk) return Absent(found.Status);
        // Holes do not keep anybody from going back: people change, and an older version is what a bad one is undone
        // by.
        PolicyReading reading = PolicyCheck.Read(found.Value!.Document);
        if (reading.Snapshot is null)
        {
            RefuseWrite(actor, ActWords.Activate, Subject(version), Faults(reading.Errors));
            return PolicyReplies.Invalid(reading.Errors);
        }

        using AuditedAct act = acts.Begin(actor, ActWords.Activate, Subject(version), "sha256:" + found.Value.Sha256);
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        (PolicyGround? ground, Reply? refusal) = await GroundAsync(terms, before, actor, act);
        if (ground is null) return refusal!;
        if (proposals.Governs(ground.Mark))
        {
            act.Fail("waits for another person");
            return await ProposeAsync(actor, found.Value, isNew: false, ground, terms.Reason);
        }

        StoreStatus status = await _store.ActivateAsync(
            version, actor.Subject, ground.Expected, ground.ResumeAfter, actor.Issuer);
        switch (status)
        {
            case StoreStatus.Ok:
                act.Succeed("in force");
                return PolicyReplies.Revision(found.Value, isCurrent: true);
            case StoreStatus.Conflict:
                act.Fail("the policy has changed since");
                return await ChangedAsync();
            case StoreStatus.NotFound:
                act.Fail("there is no such version");
                return Absent(status);
            default:
                act.Fail("the store did not confirm it");
                return Unconfirmed();
        }
    }

    private async ValueTask<Reply> ProposeAsync(
        Caller author, StoredPolicy target, bool isNew, PolicyGround ground, string reason)
    {
        // What is in force is put in force again only to go on from there after a loss.
        bool resumes = ground.ResumeAfter is not null;
        if (target.Version == ground.Mark.Current && !resumes)
            return Reply.Refuse(Refusal.PolicyConflict, "This version is in force already.");
        StoreResult<Approval> asked = await proposals.AskAsync(
            author, target, isNew, ground.Mark, reason, resumes);
        return asked.IsOk
            ? PolicyReplies.Waits(target, asked.Value!, options.PolicyApprovers, publicUrl())
            : Reply.Refuse(
                Refusal.StoreUnavailable,
                "The version is stored, but its approval could not be asked for: activate it to ask again.");
    }

    // What was expected is checked on what is there now, and again in the step that changes it.
    private async ValueTask<(PolicyGround? Ground, Reply? Refusal)> GroundAsync(
        PolicyTerms terms, PolicyMark? before, Caller author, AuditedAct act)
    {
        (PolicyGround? ground, Reply? refusal, string why) = await GroundAsync(terms, before, author);
        if (ground is null) act.Fail(why);
        return (ground, refusal);
    }

    // Who does not say what their change follows is held to what was there when it came in.
    private async ValueTask<PolicyMark?> BeforeAsync(PolicyTerms terms) =>
        terms.IsStated ? null : await _store.MarkAsync();

    private async ValueTask<(PolicyGround? Ground, Reply? Refusal, string Why)> GroundAsync(
        PolicyTerms terms, PolicyMark? before, Caller author)
    {
        const string Silent = "the store did not answer";
        const string Changed = "the policy has changed since";
        if (await _store.MarkAsync() is not { } mark)
            return (null, Reply.Refuse(Refusal.StoreUnavailable), Silent);
        if (!terms.Hold(mark)) return (null, PolicyReplies.Changed(mark), Changed);
        if (!terms.IsStated)
        {
            if (before is null) return (null, Reply.Refuse(Refusal.StoreUnavailable), Silent);
            if (before != mark) return (null, PolicyReplies.Changed(mark), Changed);
            if (await _store.AuthorInForceAsync(mark) is not { } inForceBy)
                return (null, Reply.Refuse(Refusal.StoreUnavailable), Silent);
            bool isTheirs = mark.Current == 0 || inForceBy.IsBootstrap
                || inForceBy == new PolicyAuthor(author.Issuer, author.Subject);
            if (!isTheirs) return (null, PolicyReplies.Unstated(mark, inForceBy), "it does not say what it follows");
        }

        long? change = terms.Tags is null && terms.IsStated ? null : mark.Change;
        PolicyExpectation expected = new(terms.MustBeFirst ? 0 : terms.Current, change);
        (bool answered, PolicyMark? lost) = await PolicyLosses.LostAsync(services, mark);
        if (!answered) return (null, Reply.Refuse(Refusal.StoreUnavailable), Silent);
        if (lost is null == terms.Resumes)
        {
            Reply refused = Reply.Refuse(Refusal.PolicyConflict, terms.Resumes
                ? "The store has lost no change that anybody has seen: there is nothing to resume."
                : "The store's policy is behind what gateways have seen. Look at what was lost, and publish with "
                    + "resume=true to go on from here.");
            return (null, refused, terms.Resumes ? "nothing was lost" : "the store's policy is regressed");
        }

        return (new PolicyGround(expected, lost, mark), null, "");
    }

    private async ValueTask<Reply> ChangedAsync() =>
        await _store.MarkAsync() is { } mark ? PolicyReplies.Changed(mark) : Reply.Refuse(Refusal.StoreUnavailable);

    private static Reply Absent(StoreStatus status) => status == StoreStatus.NotFound
        ? Reply.Refuse(Refusal.NotFound, "There is no such policy version.")
        : Reply.Refuse(Refusal.StoreUnavailable);

    private static Reply Unconfirmed() => Reply.Refuse(
        Refusal.StoreUnavailable, "The store did not confirm the change; look at the versions before you repeat it.");

    // The first tells enough: the author has them all, and the document is not in the log.
    private static string Faults(IReadOnlyList<PolicyError> errors) => string.Create(
        CultureInfo.InvariantCulture,
        $"errors: {errors.Count}; first: line {errors[0].Line}, column {errors[0].Column}: {errors[0].Message}");

    private static string Subject(long version) => "policy/" + version.ToString(CultureInfo.InvariantCulture);

    /// <summary>What a change stands on.</summary>
    private sealed record PolicyGround(PolicyExpectation Expected, PolicyMark? ResumeAfter, PolicyMark Mark);
}
