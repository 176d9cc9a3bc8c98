using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Approvals;

/// <summary>The approval API (DESIGN 4.4).</summary>
internal static class ApprovalEndpoints
{
    private const string Path = "/api/v1/approvals";
    private const string ReviewsPath = "/api/v1/reviews";

    public static void Map(Routes routes, ApprovalDesk desk, ApprovalStreams streams, RevealDesk reveals)
    {
        routes.Known(
            HttpMethods.Post, Path + "/{id}/reveal", (context, caller) => RevealAsync(context, caller, reveals));
        routes.Known(HttpMethods.Get, Path, (context, caller) => ListAsync(context, caller, desk));
        routes.Stream(Path + "/events", streams.RunAsync);
        routes.Known(
            HttpMethods.Get, Path + "/{id}/earlier", (context, caller) => EarlierAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Get,
            Path + "/{id}",
            (context, caller) => desk.ShowAsync(IdIn(context), caller, tag => RequestReading.IsKnown(context, tag)));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/decisions", (context, caller) => DecideAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/cancel", (context, caller) => BareAsync(context, caller, desk.CancelAsync));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/revoke", (context, caller) => BareAsync(context, caller, desk.RevokeAsync));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/withdraw",
            (context, caller) => BareAsync(context, caller, desk.WithdrawAsync));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/break-glass", (context, caller) => BreakGlassAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/review", (context, caller) => ReviewAsync(context, caller, desk));
        routes.Known(HttpMethods.Get, ReviewsPath, (context, caller) => ListOwedAsync(context, caller, desk));
    }

    private static async ValueTask<Reply> ListAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        if (!RequestReading.TryQuery(context, "status", out string? status)) return BadStatus();
        ApprovalState state = ApprovalStates.Named(status);
        if (status is not null && state == ApprovalState.None) return BadStatus();
        if (TryPage(context, out int limit, out string? cursor) is { } refused) return refused;
        if (!RequestReading.TryQuery(context, "function", out string? function)
            || !RequestReading.TryQuery(context, "caller", out string? asker))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "function and caller may each be given once.");
        }

        ApprovalFilter filter = new(status is null ? null : state, function, asker);
        return await desk.ListAsync(filter, limit, cursor, caller);
    }

    private static async ValueTask<Reply> ListOwedAsync(HttpContext context, Caller caller, ApprovalDesk desk) =>
        TryPage(context, out int limit, out string? cursor) is { } refused
            ? refused
            : await desk.ListOwedAsync(limit, cursor, caller);

    private static Reply? TryPage(HttpContext context, out int limit, out string? cursor)
    {
        const int Most = ControlPlaneLimits.ApprovalsOnPageMax;
        cursor = null;
        bool isNumber = RequestReading.TryNumber(
            context, "limit", 1, Most, ControlPlaneLimits.ApprovalsOnPage, out long given);
        limit = (int)given;
        if (!isNumber) return Reply.Refuse(Refusal.MalformedRequest, "limit must be a number from 1 to 200.");
        return RequestReading.TryQuery(context, "cursor", out cursor)
            ? null
            : Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
    }

    private static async ValueTask<Reply> BareAsync(
        HttpContext context, Caller caller, Func<string, Caller, Precondition, ValueTask<Reply>> move) =>
        Precondition.Read(context) is { } when ? await move(IdIn(context), caller, when) : BadMatch();

    private static async ValueTask<Reply> BreakGlassAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        if (Precondition.Read(context) is not { } when) return BadMatch();
        (byte[]? body, Reply? refusal) =
            await RequestReading.JsonBodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (refusal is not null) return refusal;
        return BreakGlassRequest.Read(body, out string why) is { } said
            ? await desk.BreakGlassAsync(IdIn(context), caller, said, when)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static async ValueTask<Reply> ReviewAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        if (Precondition.Read(context) is not { } when) return BadMatch();
        (byte[]? body, Reply? refusal) =
            await RequestReading.JsonBodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (refusal is not null) return refusal;
        return BreakGlassRequest.ReadNote(body, out string why) is { } note
            ? await desk.ReviewAsync(IdIn(context), caller, note, when)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static async ValueTask<Reply> EarlierAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        const int Most = ControlPlaneLimits.EarlierOnPageMax;
        return RequestReading.TryNumber(context, "limit", 1, Most, ControlPlaneLimits.EarlierOnPage, out long limit)
            ? await desk.EarlierAsync(IdIn(context), (int)limit, caller)
            : Reply.Refuse(Refusal.MalformedRequest, "limit must be a number from 1 to 50.");
    }

    private static async ValueTask<Reply> DecideAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        if (Precondition.Read(context) is not { } when) return BadMatch();
        (byte[]? body, Reply? refusal) =
            await RequestReading.JsonBodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (refusal is not null) return refusal;
        return DecisionRequest.Read(body, out string why) is { } said
            ? await desk.DecideAsync(IdIn(context), caller, said, when)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static async ValueTask<Reply> RevealAsync(HttpContext context, Caller caller, RevealDesk desk)
    {
        if (Precondition.Read(context) is not { } when) return BadMatch();
        (byte[]? body, Reply? refusal) =
            await RequestReading.JsonBodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (refusal is not null) return refusal;
        return RevealRequest.Read(body, out string why) is { } asked
            ? await desk.RevealAsync(IdIn(context), caller, asked, when)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static string IdIn(HttpContext context) => RequestReading.Segment(context, "id");

    private static Reply BadMatch() => Reply.Refuse(
        Refusal.MalformedRequest, "If-Match must hold tags of the approval, or *.");

    private static Reply BadStatus() => Reply.Refuse(
        Refusal.MalformedRequest,
        "status must be one of pending, approved, claimed, executed, failed, unknown, denied, expired, "
        + "cancelled and revoked.");
}
