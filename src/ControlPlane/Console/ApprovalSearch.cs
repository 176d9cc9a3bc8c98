using System.Globalization;
using System.Text.Json;
using Countersign.ControlPlane.Approvals;
using Countersign.ControlPlane.Console.Views;
using Countersign.ControlPlane.Policies;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Console;

/// <summary>What a search of the past found.</summary>
/// <param name="Items">Newest first.</param>
/// <param name="Next">Goes on from here; null at the end.</param>
/// <param name="IsFull">False when the search gave up for now before it found as many as were asked for.</param>
internal sealed record ApprovalFinding(IReadOnlyList<ApprovalView> Items, string? Next, bool IsFull);

/// <summary>Looks through past approvals for those that a viewer may see. Their bodies stay sealed.</summary>
internal sealed class ApprovalSearch(IApprovalStore store, ApprovalViews views)
{
    /// <summary>What fits a filter; null when the store does not answer, or no page named the cursor.</summary>
    public async ValueTask<ApprovalFinding?> FindAsync(HistoryFilter filter, string? cursor, Caller viewer)
    {
        ApprovalState state = ApprovalStates.Named(filter.State);
        List<ApprovalView> items = [];
        for (int page = 0; page < ControlPlaneLimits.StorePagesMax; page++)
        {
            int wanted = ConsoleLimits.ApprovalsOnPage - items.Count;
            StoreResult<ApprovalPage> found = await store.ListAsync(
                state == ApprovalState.None ? null : state, wanted, cursor,
                one => Fits(one, filter) && views.MaySee(one, viewer));
            if (!found.IsOk) return null;
            items.AddRange(found.Value!.Items.Select(View));
            cursor = found.Value.Next;
            if (cursor is null || items.Count >= ConsoleLimits.ApprovalsOnPage) return new(items, cursor, true);
        }

        return new(items, cursor, false);
    }

    /// <summary>Earlier calls like that one; none when the store does not answer, since they are no part of what is
    /// decided.</summary>
    public async ValueTask<IReadOnlyList<ApprovalView>> LikeAsync(string id, Caller viewer)
    {
        StoreResult<Approval> one = await views.FindAsync(id, viewer);
        if (!one.IsOk) return [];
        StoreResult<IReadOnlyList<Approval>> like =
            await views.EarlierAsync(one.Value!, ConsoleLimits.EarlierCallsMax, viewer);
        return like.IsOk ? [.. like.Value!.Select(View)] : [];
    }

    /// <summary>The newest request to put each version of the policy in force, by version, among the newest few that
    /// the viewer may see; none when the store does not answer, since the versions can be read without.</summary>
    public async ValueTask<IReadOnlyDictionary<long, ApprovalView>> ProposalsAsync(Caller viewer)
    {
        Dictionary<long, ApprovalView> newest = [];
        StoreResult<ApprovalPage> found = await store.ListAsync(
            null, ConsoleLimits.ApprovalsOnPage, null,
            one => PolicyProposals.IsProposal(one) && views.MaySee(one, viewer));
        foreach (Approval one in found.Value?.Items ?? [])
        {
            if (PolicyProposals.TryVersion(one, out long version)) newest.TryAdd(version, View(one));
        }

        return newest;
    }

    /// <summary>The broken glasses that owe a review and that the viewer may see, the latest first, with what comes
    /// next; null when the store does not answer, or no page named the cursor.</summary>
    public async ValueTask<(IReadOnlyList<OwedRow> Items, string? Next)?> OwedAsync(
        string? cursor, Caller viewer, DateTimeOffset now)
    {
        StoreResult<ApprovalPage> owed = await views.ListOwedAsync(ConsoleLimits.ApprovalsOnPage, cursor, viewer);
        if (!owed.IsOk) return null;
        OwedRow Row(Approval one) => new(View(one), ApprovalActions.MayReview(one, viewer, now));
        return ([.. owed.Value!.Items.Select(Row)], owed.Value.Next);
    }

    /// <summary>How many of them this viewer may close, as the navigation says it; empty for none. They are no part of
    /// the page around them, so a store that is away counts none.</summary>
    public async ValueTask<string> OwedCountAsync(Caller viewer, DateTimeOffset now)
    {
        if (await OwedAsync(null, viewer, now) is not { } owed) return "";
        return CountOf(owed.Items, owed.Next);
    }

    public static string CountOf(IReadOnlyList<OwedRow> items, string? next)
    {
        int mine = items.Count(one => one.MayReview);
        string more = next is null ? "" : "+";
        return mine == 0 ? "" : mine.ToString(CultureInfo.InvariantCulture) + more;
    }

    private static bool Fits(Approval one, HistoryFilter filter) =>
        (filter.Function.Length == 0 || one.Function.Contains(filter.Function, StringComparison.OrdinalIgnoreCase))
        && (filter.Risk.Length == 0 || ApprovalJson.NameOf(one.Risk) == filter.Risk)
        && (filter.Who.Length == 0 || Names(one).Any(
            name => name.Contains(filter.Who, StringComparison.OrdinalIgnoreCase)));

    private static IEnumerable<string> Names(Approval one) =>
        [
            one.Requester.Subject, ActorName.Of(one.Requester.Actor)?.Subject ?? "", .. one.Requester.Chain,
            .. one.Decisions.Select(said => said.Approver),
            one.Broken?.Subject ?? "", one.Review?.Subject ?? "",
        ];

    private static ApprovalView View(Approval approval)
    {
        Reply shown = Reply.Json(200, json => ApprovalJson.Write(json, approval, default));
        using JsonDocument json = JsonDocument.Parse(shown.Body);
        return ApprovalView.Read(json.RootElement);
    }
}
