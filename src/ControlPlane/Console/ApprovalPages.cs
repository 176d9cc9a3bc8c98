using System.Text.Json;
using Countersign.ControlPlane.Approvals;
using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Views;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console;

/// <summary>The inbox, one approval, and what is decided there.</summary>
internal sealed class ApprovalPages(
    ConsoleGate gate, ApprovalDesk desk, RevealDesk reveals, ApprovalSearch search, ControlPlaneServices services,
    TimeProvider clock)
{
    private const string OnePath = ConsolePaths.Approvals + "/{id}";

    public void Map()
    {
        gate.Page(ConsolePaths.Inbox, (context, session) => InboxAsync(session, Done(context)));
        gate.Page(OnePath, (context, session) => OneAsync(IdIn(context), session, Done(context)));
        gate.Post(OnePath + "/decide", DecideAsync);
        gate.Post(OnePath + "/cancel", (context, session, _) =>
            MoveAsync(context, session, "cancelled", desk.CancelAsync(IdIn(context), session.Caller)));
        gate.Post(OnePath + "/revoke", (context, session, _) =>
            MoveAsync(context, session, "revoked", desk.RevokeAsync(IdIn(context), session.Caller)));
        gate.Post(OnePath + "/withdraw", (context, session, _) =>
            MoveAsync(context, session, "withdrawn", desk.WithdrawAsync(IdIn(context), session.Caller)));
        gate.Post(OnePath + "/reveal", RevealAsync);
        gate.Post(OnePath + "/break-glass", BreakGlassAsync);
        gate.Post(OnePath + "/review", ReviewAsync);
    }

    private async ValueTask<Reply> InboxAsync(ConsoleSession session, Notice? notice)
    {
        DateTimeOffset now = clock.GetUtcNow();
        Reply listed = await desk.ListAsync(
            new ApprovalFilter(ApprovalState.Pending), ConsoleLimits.ApprovalsOnPage, null, session.Caller);
        if (listed.Status != 200) return await ProblemAsync(session, listed);
        using JsonDocument json = JsonDocument.Parse(listed.Body);
        List<InboxRow> mine = [], others = [];
        foreach (JsonElement item in json.RootElement.GetProperty("items").EnumerateArray())
        {
            ApprovalView view = ApprovalView.Read(item);
            if (!view.IsPending || now >= view.ExpiresAt) continue;
            Standing standing = Standing.Of(view, session.Caller, services.InForce.Current, now);
            ArgumentTree tree = ArgumentTree.Of(view.Target, view.Arguments, view.HasArguments);
            (standing.MayDecide ? mine : others).Add(new InboxRow(view, standing, tree));
        }

        // The one that lapses first comes first: it is the one that can be missed.
        mine.Sort((one, other) => one.Approval.ExpiresAt.CompareTo(other.Approval.ExpiresAt));
        string owed = await search.OwedCountAsync(session.Caller, now);
        PageHead head = gate.HeadFor(session, "Inbox", "inbox", mine.Count, owed);
        return await gate.RenderAsync<Inbox>(new InboxModel(head, mine, others, now, notice));
    }

    private async ValueTask<Reply> OneAsync(
        string id, ConsoleSession session, Notice? notice, int status = 200, Draft? draft = null)
    {
        (ApprovalView? view, Reply? refusal) = await FindAsync(id, session);
        if (view is null) return await ProblemAsync(session, refusal!);
        DateTimeOffset now = clock.GetUtcNow();
        Standing standing = Standing.Of(view, session.Caller, services.InForce.Current, now).For(session.MayAct);
        IReadOnlyList<ApprovalView> earlier = await search.LikeAsync(id, session.Caller);
        ArgumentTree tree = ArgumentTree.Of(view.Target, view.Arguments, view.HasArguments);
        StoreResult<Approval> stored = await desk.Views.FindAsync(id, session.Caller);
        ActsView acts = stored.IsOk && session.MayAct
            ? ApprovalActions.For(stored.Value!, session.Caller, services.InForce.Current, reveals, tree, now)
            : ActsView.None;
        string owed = await search.OwedCountAsync(session.Caller, now);
        PageHead head = gate.HeadFor(session, Text.VisibleParts.Flat(view.Function), "inbox", -1, owed);
        return await gate.RenderAsync<CallPage>(
            new ApprovalModel(
                head, view, tree, standing, earlier, acts, now, notice, draft ?? Draft.None),
            status);
    }

    // Twice through here: the first time asks once more, the second decides. The digest is the one of the page that the
    // person looked at, both times.
    private async ValueTask<Reply> DecideAsync(HttpContext context, ConsoleSession session, PostedForm form)
    {
        string id = IdIn(context);
        DecisionRequest? said = ConsoleForms.Decision(form, out string why);
        Draft draft = new("decide", form["reason"]);
        if (said is null) return await OneAsync(id, session, new Notice(false, why), 400, draft);
        if (form["confirmed"] != "yes") return await ConfirmAsync(id, session, said);
        Reply decided = await desk.DecideAsync(id, session.Caller, said);
        if (decided.Status == 200)
        {
            return ConsoleGate.SeeOther(
                ConsolePaths.Approval(id) + "?done=" + (said.Approve ? "approved" : "denied"));
        }

        return decided.Status == 404
            ? await ProblemAsync(session, decided)
            : await OneAsync(id, session, Problem(decided), decided.Status, draft);
    }

    private async ValueTask<Reply> ConfirmAsync(string id, ConsoleSession session, DecisionRequest said)
    {
        (ApprovalView? view, Reply? refusal) = await FindAsync(id, session);
        if (view is null) return await ProblemAsync(session, refusal!);
        DateTimeOffset now = clock.GetUtcNow();
        Standing standing = Standing.Of(view, session.Caller, services.InForce.Current, now).For(session.MayAct);
        Draft draft = new("decide", said.Reason);
        if (!standing.MayDecide) return await OneAsync(id, session, new Notice(false, standing.Why), 403, draft);
        if (said.Digest != view.Digest)
        {
            Notice other = new(false, "The digest is not this approval's: look at it again.");
            return await OneAsync(id, session, other, 409, draft);
        }

        PageHead head = gate.HeadFor(session, said.Approve ? "Approve?" : "Deny?", "inbox");
        ArgumentTree tree = ArgumentTree.Of(view.Target, view.Arguments, view.HasArguments);
        return await gate.RenderAsync<ConfirmPage>(
            new ConfirmModel(head, view, tree, said.Approve, said.Digest, said.Reason, now));
    }

    // The value is on the answer to this form alone, which nothing keeps; to see it again is to ask again.
    private async ValueTask<Reply> RevealAsync(HttpContext context, ConsoleSession session, PostedForm form)
    {
        string id = IdIn(context);
        RevealRequest? asked = ConsoleForms.Reveal(form, out string why);
        Draft draft = new("reveal", form["reason"]);
        if (asked is null) return await OneAsync(id, session, new Notice(false, why), 400, draft);
        Reply revealed = await reveals.RevealAsync(id, session.Caller, asked);
        if (revealed.Status != 200) return await OneAsync(id, session, Problem(revealed), revealed.Status, draft);
        (ApprovalView? view, _) = await FindAsync(id, session);
        using JsonDocument json = JsonDocument.Parse(revealed.Body);
        ArgumentTree value = ArgumentTree.Of("", json.RootElement.GetProperty("value"), true);
        return await gate.RenderAsync<RevealPage>(new RevealModel(
            gate.HeadFor(session, "Revealed", "inbox"), id, view?.Function ?? "", asked.Pointer, value));
    }

    // Twice through here, as for a decision.
    private async ValueTask<Reply> BreakGlassAsync(HttpContext context, ConsoleSession session, PostedForm form)
    {
        string id = IdIn(context);
        BreakGlassRequest? said = ConsoleForms.Glass(form, out string why);
        Draft draft = new("break-glass", form["reason"]);
        if (said is null) return await OneAsync(id, session, new Notice(false, why), 400, draft);
        if (form["confirmed"] == "yes")
            return await MoveAsync(context, session, "broken", desk.BreakGlassAsync(id, session.Caller, said), draft);
        (ApprovalView? view, Reply? refusal) = await FindAsync(id, session);
        if (view is null) return await ProblemAsync(session, refusal!);
        StoreResult<Approval> stored = await desk.Views.FindAsync(id, session.Caller);
        if (!stored.IsOk) return await ProblemAsync(session, Reply.Refuse(Refusal.StoreUnavailable));
        Ruling ruling = DecisionRules.Break(
            stored.Value!, session.Caller, said, services.InForce.Current, clock.GetUtcNow());
        if (ruling.Kind == RulingKind.Refuse)
        {
            Reply refused = Reply.Refuse(ruling.Refusal, ruling.Detail);
            return await OneAsync(id, session, Problem(refused), refused.Status, draft);
        }

        ArgumentTree tree = ArgumentTree.Of(view.Target, view.Arguments, view.HasArguments);
        return await gate.RenderAsync<GlassPage>(new GlassModel(
            gate.HeadFor(session, "Break the glass?", "inbox"), view, tree, said.Digest, said.Reason,
            clock.GetUtcNow()));
    }

    private async ValueTask<Reply> ReviewAsync(HttpContext context, ConsoleSession session, PostedForm form)
    {
        string id = IdIn(context);
        Draft draft = new("review", form["note"]);
        return ConsoleForms.Note(form, out string why) is { } note
            ? await MoveAsync(context, session, "reviewed", desk.ReviewAsync(id, session.Caller, note), draft)
            : await OneAsync(id, session, new Notice(false, why), 400, draft);
    }

    private async ValueTask<Reply> MoveAsync(
        HttpContext context, ConsoleSession session, string done, ValueTask<Reply> move, Draft? draft = null)
    {
        Reply moved = await move;
        string id = IdIn(context);
        if (moved.Status == 200) return ConsoleGate.SeeOther(ConsolePaths.Approval(id) + "?done=" + done);
        return moved.Status == 404
            ? await ProblemAsync(session, moved)
            : await OneAsync(id, session, Problem(moved), moved.Status, draft);
    }

    private async ValueTask<(ApprovalView? View, Reply? Refusal)> FindAsync(string id, ConsoleSession session)
    {
        Reply shown = await desk.ShowAsync(id, session.Caller, static _ => false);
        if (shown.Status != 200) return (null, shown);
        using JsonDocument json = JsonDocument.Parse(shown.Body);
        ApprovalView view = ApprovalView.Read(json.RootElement);
        if (view.Actor.Length == 0) return (view, null);

        // No part of what is decided: a store that is away by now is the same as nothing seen.
        StoreResult<SeenPerson> seen = await services.Approvals.SeenAsync(view.Issuer, view.Subject);
        return (view with { OwnGroups = seen.Value?.Groups }, null);
    }

    private ValueTask<Reply> ProblemAsync(ConsoleSession session, Reply refused)
    {
        using JsonDocument json = JsonDocument.Parse(refused.Body);
        string title = json.RootElement.GetProperty("title").GetString()!;
        return gate.MessageAsync(
            refused.Status, gate.HeadFor(session, title, "inbox"),
            json.RootElement.GetProperty("detail").GetString()!);
    }

    private static Notice Problem(Reply refused)
    {
        using JsonDocument json = JsonDocument.Parse(refused.Body);
        return new Notice(
            false,
            json.RootElement.GetProperty("title").GetString() + ". " + json.RootElement.GetProperty("detail"));
    }

    private static Notice? Done(HttpContext context) => context.Request.Query["done"].ToString() switch
    {
        "approved" => new Notice(true, "You approved it."),
        "denied" => new Notice(true, "You denied it."),
        "cancelled" => new Notice(true, "You withdrew it."),
        "revoked" => new Notice(true, "You took your approval back."),
        "withdrawn" => new Notice(true, "You withdrew your approval."),
        "broken" => new Notice(true, "You broke the glass. Somebody else owes it a review."),
        "reviewed" => new Notice(true, "You closed the review."),
        _ => null,
    };

    private static string IdIn(HttpContext context) => RequestReading.Segment(context, "id");
}
