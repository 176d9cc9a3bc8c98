using System.Buffers;
using System.Text.Json;
using Countersign.Policy.Approvals;

namespace Countersign.DataPlane.Calls;

/// <summary>Problem details (RFC 9457) as DESIGN 4.1 names them.</summary>
internal static class Problem
{
    private static readonly JsonWriterOptions WriterOptions =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The address of an approval's status on this listener.</summary>
    internal static string StatusPath(string approval) => "/.countersign/approvals/" + approval;

    /// <summary>The body of a refusal.</summary>
    internal static byte[] Write(CallContext call, in VerdictRow row)
    {
        ArrayBufferWriter<byte> body = new(512);
        using Utf8JsonWriter json = new(body, WriterOptions);
        json.WriteStartObject();
        if (row.Status >= 400)
        {
            json.WriteString("type", "urn:countersign:" + row.Name);
            json.WriteString("title", row.Title);
            json.WriteNumber("status", row.Status);
            json.WriteString("detail", call.Detail.Length > 0 ? call.Detail : row.Title + ".");
        }

        json.WriteString("call", call.IdText);
        if (row.Status is 202 or 409 or 410 or 428) WriteApproval(json, call, row.Status);
        json.WriteEndObject();
        json.Flush();
        return body.WrittenSpan.ToArray();
    }

    private static void WriteApproval(Utf8JsonWriter json, CallContext call, int status)
    {
        if (call.Approval is not { } approval) return;
        json.WriteString("approval", approval.Id);
        if (status is not (202 or 428)) return;
        if (status == 202) json.WriteString("state", ApprovalStates.NameOf(approval.State));
        json.WriteString("status_url", call.Client.PublicUrl + StatusPath(approval.Id));
        json.WriteString("expires_at", Timestamps.Format(approval.ExpiresAt));
        json.WriteString("digest", approval.Digest);
        json.WriteString("function", approval.Function);
    }
}
