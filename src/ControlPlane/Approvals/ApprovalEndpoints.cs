using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Countersign.ControlPlane.Approvals;

/// <summary>The approval API (DESIGN 4.4).</summary>
internal static class ApprovalEndpoints
{
    private const string Path = "/api/v1/approvals";
    private const string ReviewsPath = "/api/v1/reviews";

    public static void Map(Routes routes, ApprovalDesk desk)
    {
        routes.Known(HttpMethods.Get, Path, (context, caller) => ListAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Get,
            Path + "/{id}",
            (context, caller) => desk.ShowAsync(IdIn(context), caller, tag => IsKnown(context, tag)));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/decisions", (context, caller) => DecideAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/cancel", (context, caller) => desk.CancelAsync(IdIn(context), caller));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/revoke", (context, caller) => desk.RevokeAsync(IdIn(context), caller));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/withdraw", (context, caller) => desk.WithdrawAsync(IdIn(context), caller));
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
        return TryPage(context, out int limit, out string? cursor) is { } refused
            ? refused
            : await desk.ListAsync(status is null ? null : state, limit, cursor, caller);
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

    private static async ValueTask<Reply> BreakGlassAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        byte[]? body = await RequestReading.BodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (body is null) return Reply.Refuse(Refusal.BodyTooLarge);
        return BreakGlassRequest.Read(body, out string why) is { } said
            ? await desk.BreakGlassAsync(IdIn(context), caller, said)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static async ValueTask<Reply> ReviewAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        byte[]? body = await RequestReading.BodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (body is null) return Reply.Refuse(Refusal.BodyTooLarge);
        return BreakGlassRequest.ReadNote(body, out string why) is { } note
            ? await desk.ReviewAsync(IdIn(context), caller, note)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static async ValueTask<Reply> DecideAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        byte[]? body = await RequestReading.BodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (body is null) return Reply.Refuse(Refusal.BodyTooLarge);
        return DecisionRequest.Read(body, out string why) is { } said
            ? await desk.DecideAsync(IdIn(context), caller, said)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    // RFC 9110 section 13.1.2: weak comparison.
    private static bool IsKnown(HttpContext context, string tag)
    {
        IList<EntityTagHeaderValue> known = context.Request.GetTypedHeaders().IfNoneMatch;
        EntityTagHeaderValue present = new(tag);
        return known.Any(
            one => one.Equals(EntityTagHeaderValue.Any) || one.Compare(present, useStrongComparison: false));
    }

    private static string IdIn(HttpContext context) => RequestReading.Segment(context, "id");

    private static Reply BadStatus() => Reply.Refuse(
        Refusal.MalformedRequest,
        "status must be one of pending, approved, claimed, executed, failed, unknown, denied, expired, "
        + "cancelled and revoked.");
}
