using System.Text.Json;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Tokens;

/// <summary>The fleet's signing keys by hand: which there are, a new one before its time, the end of one that leaked.
/// For policy admins, and on record.</summary>
internal sealed class SigningKeyDesk(
    SigningKeyKeeper keeper, ControlPlaneOptions options, ActLog acts, TimeProvider clock)
{
    private const string Path = "/api/v1/signing-keys";
    private const int KeyIdCharactersMax = 128;

    public void Map(Routes routes)
    {
        routes.Known(HttpMethods.Get, Path, (_, caller) => new(List(caller)));
        routes.Known(HttpMethods.Post, Path + "/rotate", RotateAsync);
        routes.Known(HttpMethods.Post, Path + "/{kid}/revoke", RevokeAsync);
    }

    private Reply List(Caller caller)
    {
        bool mayRead = options.PolicyAdmins.Any(caller.IsIn) || options.Auditors.Any(caller.IsIn);
        return mayRead ? Reply.List(Write)
            : Reply.Refuse(Refusal.Denied, "Only policy admins and auditors may see signing keys.");
    }

    private async ValueTask<Reply> RotateAsync(HttpContext context, Caller caller)
    {
        (ReasonRequest? request, Reply? refusal) = await ReadAsync(context, caller);
        if (request is null) return refusal!;
        using AuditedAct act = acts.Begin(caller, ActWords.RotateKeys, "all", request.Reason);
        return await ChangeAsync(act, keeper.RotateAsync);
    }

    private async ValueTask<Reply> RevokeAsync(HttpContext context, Caller caller)
    {
        string keyId = (string)context.Request.RouteValues["kid"]!;
        (ReasonRequest? request, Reply? refusal) = await ReadAsync(context, caller);
        if (request is null) return refusal!;
        if (keyId.Length > KeyIdCharactersMax || keyId.Any(char.IsControl)) return Reply.Refuse(Refusal.NotFound);
        using AuditedAct act = acts.Begin(caller, ActWords.RevokeKey, keyId, request.Reason);
        return await ChangeAsync(act, () => keeper.RevokeAsync(keyId));
    }

    private async ValueTask<(ReasonRequest? Request, Reply? Refusal)> ReadAsync(HttpContext context, Caller caller)
    {
        if (!(caller.IsPerson && options.PolicyAdmins.Any(caller.IsIn)))
            return (null, Reply.Refuse(Refusal.Denied, "Only policy admins may change signing keys."));
        (byte[]? body, Reply? refusal) =
            await RequestReading.JsonBodyAsync(context, ControlPlaneLimits.RevocationBytesMax);
        if (refusal is not null) return (null, refusal);
        ReasonRequest? request = ReasonRequest.Read(body, out string fault);
        return request is null ? (null, Reply.Refuse(Refusal.MalformedRequest, fault)) : (request, null);
    }

    private async ValueTask<Reply> ChangeAsync(AuditedAct act, Func<Task<SigningKeyChange>> change)
    {
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        switch (await change())
        {
            case SigningKeyChange.Done:
                act.Succeed("done");
                return Reply.Json(200, Write);
            case SigningKeyChange.UnderWay:
                act.Fail("the next keys wait already, nothing was changed");
                return Reply.Refuse(Refusal.RotationUnderWay, UnderWay());
            case SigningKeyChange.NotFound:
                act.Fail("there is no such key");
                return Reply.Refuse(Refusal.NotFound, "There is no key of that name.");
            default:
                act.Fail("the store did not confirm it");
                return Reply.Refuse(Refusal.StoreUnavailable, "Nobody knows whether the keys changed; look again.");
        }
    }

    private string UnderWay()
    {
        DateTimeOffset now = clock.GetUtcNow();
        DateTimeOffset from = keeper.Ring.Current.Keys.Where(one => one.SignsFrom > now)
            .Select(one => one.SignsFrom).DefaultIfEmpty(now).Max();
        return $"The next keys wait already and sign from {Timestamps.Format(from)}; nothing was changed.";
    }

    private void Write(Utf8JsonWriter json)
    {
        SigningKeySet keys = keeper.Ring.Current;
        DateTimeOffset now = clock.GetUtcNow();
        json.WriteStartObject();
        json.WriteNumber("version", keys.Version);
        json.WriteStartArray("items");
        foreach (DatedSigningKeys one in keys.Keys)
        {
            json.WriteStartObject();
            json.WriteString("kid", one.Keys.KeyId);
            json.WriteString("alg", one.Keys.AlgorithmName);
            json.WriteString("signs_from", Timestamps.Format(one.SignsFrom));
            json.WriteString("state", keys.StateOf(one, now) switch
            {
                SigningKeyState.Signs => "signs",
                SigningKeyState.Waits => "waits",
                _ => "retired",
            });
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNull("next");
        json.WriteEndObject();
    }
}
