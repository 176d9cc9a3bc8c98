using Countersign.ControlPlane.AuditTrail;
using Countersign.Policy;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Notices;

/// <summary>What became of notices, for those who run the gateway: policy admins, and auditors to read.</summary>
internal static class NoticeEndpoints
{
    private const string Path = "/api/v1/notices";

    public static void Map(Routes routes, NoticeDesk desk, ControlPlaneOptions options, ActLog acts)
    {
        routes.Known(HttpMethods.Get, Path, (context, caller) =>
            options.PolicyAdmins.Concat(options.Auditors).Any(caller.IsIn)
                ? ListAsync(context, desk)
                : ValueTask.FromResult(Reply.Refuse(Refusal.Denied, "Policy admins and auditors see notices.")));
        routes.Known(HttpMethods.Post, Path + "/{id}/retry", (context, caller) =>
            caller.IsPerson && options.PolicyAdmins.Any(caller.IsIn)
                ? RetryAsync(context, caller, desk, acts)
                : ValueTask.FromResult(Reply.Refuse(Refusal.Denied, "People who are policy admins send them again.")));
    }

    private static async ValueTask<Reply> ListAsync(HttpContext context, NoticeDesk desk)
    {
        const int Most = ControlPlaneLimits.ApprovalsOnPageMax;
        bool isRead = RequestReading.TryQuery(context, "status", out string? status);
        if (!isRead || status is not ("dead" or "waiting" or null))
            return Reply.Refuse(Refusal.MalformedRequest, "status must be dead or waiting.");
        if (!RequestReading.TryNumber(context, "limit", 1, Most, ControlPlaneLimits.ApprovalsOnPage, out long limit))
            return Reply.Refuse(Refusal.MalformedRequest, "limit must be a number from 1 to 200.");
        return RequestReading.TryQuery(context, "cursor", out string? cursor)
            ? await desk.ListAsync(status != "waiting", (int)limit, cursor)
            : Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
    }

    private static ValueTask<Reply> RetryAsync(HttpContext context, Caller caller, NoticeDesk desk, ActLog acts)
    {
        string id = RequestReading.Segment(context, "id");
        bool isId = id.StartsWith("msg_", StringComparison.Ordinal) && Guid.TryParseExact(id[4..], "N", out _);
        return isId
            ? desk.ReviveAsync(id, caller, acts)
            : ValueTask.FromResult(Reply.Refuse(Refusal.NotFound, "There is no such dead notice."));
    }
}
