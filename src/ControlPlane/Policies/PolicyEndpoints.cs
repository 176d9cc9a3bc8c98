using System.Globalization;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Policies;

/// <summary>The policy API (DESIGN 4.4).</summary>
internal static class PolicyEndpoints
{
    private const string Path = "/api/v1/policies";

    public static void Map(Routes routes, PolicyDesk desk)
    {
        routes.Known(HttpMethods.Get, Path, (context, caller) => ListAsync(context, caller, desk));
        routes.Known(HttpMethods.Post, Path, (context, caller) => PublishAsync(context, caller, desk));
        routes.Known(HttpMethods.Post, Path + "/validate", (context, caller) => ValidateAsync(context, caller, desk));
        routes.Known(HttpMethods.Get, Path + "/{version}", (context, caller) => ShowAsync(context, caller, desk));
        routes.Known(
            HttpMethods.Post, Path + "/{version}/activate", (context, caller) => ActivateAsync(context, caller, desk));
    }

    private static async ValueTask<Reply> ListAsync(HttpContext context, Caller caller, PolicyDesk desk)
    {
        if (!desk.MayRead(caller)) return Unreadable();
        const int Most = RedisPolicyStore.PageMax;
        if (!RequestReading.TryNumber(context, "limit", 1, Most, ControlPlaneLimits.PoliciesOnPage, out long limit))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "limit must be a number from 1 to 100.");
        }

        if (!RequestReading.TryNumber(context, "cursor", 1, long.MaxValue, 0, out long before))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
        }

        return await desk.ListAsync(
            (int)limit, before == 0 ? null : before, tag => RequestReading.IsKnown(context, tag));
    }

    private static async ValueTask<Reply> ShowAsync(HttpContext context, Caller caller, PolicyDesk desk)
    {
        if (!desk.MayRead(caller)) return Unreadable();
        if (!RequestReading.TryQuery(context, "form", out string? form) || form is not (null or "json" or "source"))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "form must be json or source.");
        }

        return TryVersion(context, out long version)
            ? await desk.ShowAsync(version, form == "source", tag => RequestReading.IsKnown(context, tag))
            : Absent();
    }

    private static async ValueTask<Reply> PublishAsync(HttpContext context, Caller caller, PolicyDesk desk)
    {
        if (!desk.MayWrite(caller)) return Unwritable(caller, ActWords.Publish, "policy", desk);
        if (PolicyTerms.Read(context, out string why) is not { } terms)
            return Reply.Refuse(Refusal.MalformedRequest, why);
        (string? text, Reply? refusal) = await TextAsync(context);
        return refusal ?? await desk.PublishAsync(caller, text!, terms);
    }

    private static async ValueTask<Reply> ValidateAsync(HttpContext context, Caller caller, PolicyDesk desk)
    {
        if (!RequestReading.TryQuery(context, "warnings", out string? warnings) || warnings is not (null or "true"))
        {
            return Reply.Refuse(Refusal.MalformedRequest, "warnings must be true.");
        }

        (string? text, Reply? refusal) = await TextAsync(context);
        return refusal ?? desk.Validate(caller, text!, showsWarnings: warnings is not null);
    }

    private static async ValueTask<Reply> ActivateAsync(HttpContext context, Caller caller, PolicyDesk desk)
    {
        if (!desk.MayWrite(caller))
        {
            string subject = TryVersion(context, out long wanted)
                ? string.Create(CultureInfo.InvariantCulture, $"policy/{wanted}")
                : "policy";
            return Unwritable(caller, ActWords.Activate, subject, desk);
        }

        if (PolicyTerms.Read(context, out string why) is not { } terms)
            return Reply.Refuse(Refusal.MalformedRequest, why);
        return TryVersion(context, out long version) ? await desk.ActivateAsync(caller, version, terms) : Absent();
    }

    private static async ValueTask<(string? Text, Reply? Refusal)> TextAsync(HttpContext context)
    {
        if (!PolicyText.IsPolicyType(context.Request.ContentType))
        {
            const string Detail = "Send application/yaml or application/json, in UTF-8.";
            return (null, Reply.Refuse(Refusal.UnsupportedMediaType, Detail));
        }

        byte[]? body = await RequestReading.BodyAsync(context, ControlPlaneLimits.BodyBytesMax);
        if (body is null) return (null, Reply.Refuse(Refusal.BodyTooLarge));
        string? text = PolicyText.Decode(body);
        return text is null ? (null, Reply.Refuse(Refusal.MalformedRequest, "The body is not UTF-8.")) : (text, null);
    }

    private static bool TryVersion(HttpContext context, out long version) =>
        long.TryParse(
            RequestReading.Segment(context, "version"), NumberStyles.None, CultureInfo.InvariantCulture, out version)
        && version > 0;

    private static Reply Absent() => Reply.Refuse(Refusal.NotFound, "There is no such policy version.");

    private static Reply Unreadable() =>
        Reply.Refuse(Refusal.Denied, "Only policy admins and auditors may read policies.");

    private static Reply Unwritable(Caller caller, ActWords words, string subject, PolicyDesk desk)
    {
        const string Why = "Only a person who is a policy admin may change the policy.";
        desk.RefuseWrite(caller, words, subject, Why);
        return Reply.Refuse(Refusal.Denied, Why);
    }
}
