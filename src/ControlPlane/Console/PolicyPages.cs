using System.Globalization;
using System.Text;
using System.Text.Json;
using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Text;
using Countersign.ControlPlane.Console.Views;
using Countersign.ControlPlane.Policies;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console;

/// <summary>The policy's versions and what changed between them, to read.</summary>
internal sealed class PolicyPages(ConsoleGate gate, PolicyDesk desk, ApprovalSearch search)
{
    private const int OnPage = 50;

    public void Map()
    {
        gate.Page(ConsolePaths.Policies, ListAsync);
        gate.Page(ConsolePaths.Policies + "/{version}", ShowAsync);
    }

    private async ValueTask<Reply> ListAsync(HttpContext context, ConsoleSession session)
    {
        if (!desk.MayRead(session.Caller)) return await ForbiddenAsync(session);
        RequestReading.TryNumber(context, "cursor", 1, long.MaxValue, 0, out long before);
        (IReadOnlyList<PolicyRow>? rows, string? next) = await RowsAsync(before == 0 ? null : before, session.Caller);
        return rows is null
            ? await AwayAsync(session)
            : await gate.RenderAsync<PoliciesPage>(
                new PoliciesModel(gate.HeadFor(session, "Policy", "policy"), rows, next));
    }

    private async ValueTask<Reply> ShowAsync(HttpContext context, ConsoleSession session)
    {
        if (!desk.MayRead(session.Caller)) return await ForbiddenAsync(session);
        bool isNumber = long.TryParse(
            RequestReading.Segment(context, "version"), NumberStyles.None, CultureInfo.InvariantCulture,
            out long version);
        (IReadOnlyList<PolicyRow>? rows, _) = await RowsAsync(
            isNumber && version < long.MaxValue ? version + 1 : 1, session.Caller);
        if (rows is null) return await AwayAsync(session);
        PolicyRow? row = rows.FirstOrDefault(one => one.Version == version);
        if (row is null) return await AbsentAsync(session);
        if (await SourceAsync(version) is not { } source) return await AwayAsync(session);
        RequestReading.TryNumber(context, "against", 0, long.MaxValue, 0, out long against);
        string? older = against > 0 && against != version ? await SourceAsync(against) : null;
        (IReadOnlyList<PolicyRow>? all, _) = await RowsAsync(null, session.Caller);
        long[] others = [.. (all ?? rows).Select(one => one.Version).Where(one => one != version)];
        return await gate.RenderAsync<PolicyPage>(new PolicyModel(
            gate.HeadFor(session, "Policy version " + row.Version.ToString(CultureInfo.InvariantCulture), "policy"),
            row, source, older is null ? 0 : against, others,
            older is null ? [] : LineDiff.Of(older, source),
            older is null ? null : await MeaningAsync(against, version)));
    }

    private async ValueTask<(IReadOnlyList<PolicyRow>? Rows, string? Next)> RowsAsync(
        long? before, Caller viewer)
    {
        Reply listed = await desk.ListAsync(OnPage, before, static _ => false);
        if (listed.Status != 200) return (null, null);
        using JsonDocument json = JsonDocument.Parse(listed.Body);
        IReadOnlyDictionary<long, ApprovalView> proposals = await search.ProposalsAsync(viewer);
        List<PolicyRow> rows = [];
        foreach (JsonElement item in json.RootElement.GetProperty("items").EnumerateArray())
        {
            rows.Add(new PolicyRow(
                item.GetProperty("version").GetInt64(), item.GetProperty("author").GetString()!,
                item.GetProperty("at").GetDateTimeOffset(), item.GetProperty("sha256").GetString()!,
                item.GetProperty("current").GetBoolean())
            {
                Proposal = proposals.GetValueOrDefault(item.GetProperty("version").GetInt64()),
            });
        }

        return (rows, json.RootElement.GetProperty("next").GetString());
    }

    // What the change from the one to the other means; null where one of them does not compile here.
    private async ValueTask<PolicyDiffView?> MeaningAsync(long before, long after)
    {
        Reply old = await desk.ShowAsync(before, asSource: false, static _ => false);
        Reply now = await desk.ShowAsync(after, asSource: false, static _ => false);
        if (old.Status != 200 || now.Status != 200) return null;
        Reply diff = Reply.Json(200, json => ProposalDiff.Write(
            json, Encoding.UTF8.GetString(old.Body.Span), Encoding.UTF8.GetString(now.Body.Span)));
        using JsonDocument read = JsonDocument.Parse(diff.Body);
        return PolicyDiffView.Read(read.RootElement);
    }

    private async ValueTask<string?> SourceAsync(long version)
    {
        Reply shown = await desk.ShowAsync(version, asSource: true, static _ => false);
        return shown.Status == 200 ? Encoding.UTF8.GetString(shown.Body.Span) : null;
    }

    private ValueTask<Reply> ForbiddenAsync(ConsoleSession session) => gate.MessageAsync(
        403, gate.HeadFor(session, "Not for you to read", "policy"), "Policy admins and auditors read the policy.");

    private ValueTask<Reply> AbsentAsync(ConsoleSession session) => gate.MessageAsync(
        404, gate.HeadFor(session, "There is no such version", "policy"), "It may have been mistyped.");

    private ValueTask<Reply> AwayAsync(ConsoleSession session) => gate.MessageAsync(
        503, gate.HeadFor(session, "The store does not answer", "policy"), "Try again in a moment.");
}
