using System.Text;
using Countersign.Audit;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.AuditTrail;

/// <summary>
/// This gateway as a witness of other logs (C2SP tlog-witness): open to anybody, since a checkpoint is believed by its
/// signature alone, and only of logs that are configured.
/// </summary>
internal static class WitnessEndpoints
{
    private const string TextType = "text/plain; charset=utf-8";

    public static void Map(Routes routes, CheckpointWitness? witness)
    {
        routes.Open(HttpMethods.Post, "/witness/add-checkpoint", context => AddAsync(context, witness));
        routes.Open(
            HttpMethods.Get, "/witness/{log}/checkpoint",
            context => new(Latest(witness, RequestReading.Segment(context, "log"))));
    }

    private static async ValueTask<Reply> AddAsync(HttpContext context, CheckpointWitness? witness)
    {
        byte[]? body = await RequestReading.BodyAsync(context, WitnessRequest.BytesMax);
        if (body is null) return Reply.Refuse(Refusal.BodyTooLarge);
        if (witness is null) return Text(404, "this gateway is no witness\n");
        WitnessAnswer answer = witness.Add(body);
        return Text(answer.Status, answer.Body, answer.Status == 409 ? "text/x.tlog.size" : TextType);
    }

    private static Reply Latest(CheckpointWitness? witness, string log)
    {
        ReadOnlyMemory<byte> note = witness?.LatestByHash(log) ?? default;
        return note.IsEmpty ? Text(404, "no checkpoint of this log was cosigned\n") : new Reply(200, TextType, note);
    }

    private static Reply Text(int status, string text, string type = TextType) =>
        new(status, type, Encoding.UTF8.GetBytes(text));
}
