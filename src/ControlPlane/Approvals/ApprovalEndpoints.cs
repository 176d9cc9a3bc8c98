using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Approvals;

/// <summary>The approval API (DESIGN 4.4).</summary>
internal static class ApprovalEndpoints
{
    private const string Path = "/api/v1/approvals";

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
            HttpMethods.Post, Path + "/{id}/cancel", (context, caller) => desk.CancelAsync(IdIn(context), caller));
        routes.Known(
            HttpMethods.Post, Path + "/{id}/revoke", (context, caller) => desk.RevokeAsync(IdIn(context), caller));
    }

    private static async ValueTask<Reply> ListAsync(HttpContext context, Caller caller, ApprovalDesk desk)
    {
        if (!RequestReading.TryQuery(context, "status", out string? status)) return BadStatus();
        ApprovalState state = ApprovalStates.Named(status);
        if (status is not null && state == ApprovalState.None) return BadStatus();
        const int Most = ControlPlaneLimits.ApprovalsOnPageMax;
        if (!RequestReading.TryNumber(context, "limit", 1, Most, ControlPlaneLimits.ApprovalsOnPage, out long limit))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "limit must be a number from 1 to 200.");
        }

        if (!RequestReading.TryQuery(context, "cursor", out string? cursor))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
        }

        if (!RequestReading.TryQuery(context, "function", out string? function)
            || !RequestReading.TryQuery(context, "caller", out string? asker))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "function and caller may each be given once.");
        }

        ApprovalFilter filter = new(status is null ? null : state, function, asker);
        return await desk.ListAsync(filter, (int)limit, cursor, caller);
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
        byte[]? body = await RequestReading.BodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (body is null) return Reply.Refuse(Refusal.BodyTooLarge);
        return DecisionRequest.Read(body, out string why) is { } said
            ? await desk.DecideAsync(IdIn(context), caller, said)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static async ValueTask<Reply> RevealAsync(HttpContext context, Caller caller, RevealDesk desk)
    {
        byte[]? body = await RequestReading.BodyAsync(context, ControlPlaneLimits.DecisionBytesMax);
        if (body is null) return Reply.Refuse(Refusal.BodyTooLarge);
        return RevealRequest.Read(body, out string why) is { } asked
            ? await desk.RevealAsync(IdIn(context), caller, asked)
            : Reply.Refuse(Refusal.MalformedRequest, why);
    }

    private static string IdIn(HttpContext context) => RequestReading.Segment(context, "id");

    private static Reply BadStatus() => Reply.Refuse(
        Refusal.MalformedRequest,
        "status must be one of pending, approved, claimed, executed, failed, unknown, denied, expired, "
        + "cancelled and revoked.");
}
