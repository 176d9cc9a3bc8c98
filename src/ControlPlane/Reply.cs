using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane;

/// <summary>An answer, whole before its first byte leaves; but for one that is <see cref="Streamed"/>.</summary>
internal sealed record Reply(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    private const string JsonType = "application/json";
    private const string ProblemType = "application/problem+json";

    // Seconds: an event stream whose client has gone is noticed by its next comment; whatever else is missing may be
    // back at once, as on the data listener.
    private const string StreamsAgain = "15";
    private const string Again = "1";

    // Safe: nothing here is ever put into a page, and every answer carries nosniff.
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public string? ETag { get; init; }

    public string? Location { get; init; }

    /// <summary>The challenge of RFC 6750 section 3.</summary>
    public string? Challenge { get; init; }

    /// <summary>Null keeps the <c>no-store</c> that every answer begins with.</summary>
    public string? CacheControl { get; init; }

    /// <summary>
    /// Writes the body instead, where it may be larger than what is held in memory. False: it could not be written
    /// whole, and the connection is cut, so that nobody takes the part for the whole.
    /// </summary>
    public Func<Stream, CancellationToken, Task<bool>>? Streamed { get; init; }

    public static Reply Json(int status, Action<Utf8JsonWriter> write) => Json(status, JsonType, write);

    /// <summary>
    /// JSON that is written already, with a strong tag: of the very bytes, for what one viewer sees of a thing is
    /// changed by more than the thing, by the masks of a new policy too.
    /// </summary>
    public static Reply Bytes(ReadOnlyMemory<byte> json) => new(200, JsonType, json) { ETag = TagOf(json.Span) };

    /// <summary>A list, with a strong tag of the very bytes.</summary>
    public static Reply List(Action<Utf8JsonWriter> write)
    {
        Reply list = Json(200, write);
        return list with { ETag = TagOf(list.Body.Span) };
    }

    /// <summary>The tag of what is written.</summary>
    public static string TagOf(ReadOnlySpan<byte> bytes) =>
        "\"" + Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16)) + "\"";

    public static Reply Json(string json, string contentType = JsonType) =>
        new(200, contentType, Encoding.UTF8.GetBytes(json));

    public static Reply Text(string text, string contentType = "text/plain; charset=utf-8") =>
        new(200, contentType, Encoding.UTF8.GetBytes(text));

    /// <summary>RFC 9110 section 15.4.5: no body, the same tag.</summary>
    public static Reply NotModified(string tag) => new(304, "", default) { ETag = tag };

    /// <summary>A problem (RFC 9457).</summary>
    /// <param name="refusal">Which.</param>
    /// <param name="detail">One sentence for the caller; empty repeats the title.</param>
    /// <param name="more">Writes further members.</param>
    public static Reply Refuse(Refusal refusal, string detail = "", Action<Utf8JsonWriter>? more = null)
    {
        RefusalRow row = RefusalTable.RowOf(refusal);
        return Json(row.Status, ProblemType, json =>
        {
            json.WriteStartObject();
            json.WriteString("type", "urn:countersign:" + row.Name);
            json.WriteString("title", row.Title);
            json.WriteNumber("status", row.Status);
            json.WriteString("detail", detail.Length > 0 ? detail : row.Title + ".");
            more?.Invoke(json);
            json.WriteEndObject();
        });
    }

    /// <summary>An answer that is written as it is read.</summary>
    public static Reply Stream(string contentType, Func<Stream, CancellationToken, Task<bool>> write) =>
        new(200, contentType, default) { Streamed = write };

    public Task SendAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.StatusCode = Status;
        if (ETag is not null) response.Headers.ETag = ETag;
        if (Location is not null) response.Headers.Location = Location;
        if (Challenge is not null) response.Headers.WWWAuthenticate = Challenge;
        if (CacheControl is not null) response.Headers.CacheControl = CacheControl;
        if (Status == 304) return Task.CompletedTask;
        response.Headers.ContentType = new StringValues(ContentType);
        if (ContentType == ProblemType && Status is 429 or 503)
            response.Headers.RetryAfter = Status == 429 ? StreamsAgain : Again;
        if (Streamed is { } write) return SendAsync(context, write);
        response.ContentLength = Body.Length;
        return response.Body.WriteAsync(Body, context.RequestAborted).AsTask();
    }

    private static async Task SendAsync(HttpContext context, Func<Stream, CancellationToken, Task<bool>> write)
    {
        if (HttpMethods.IsHead(context.Request.Method)) return;
        if (!await write(context.Response.Body, context.RequestAborted)) context.Abort();
    }

    private static Reply Json(int status, string contentType, Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> body = new(1_024);
        using (Utf8JsonWriter json = new(body, Relaxed)) write(json);
        return new Reply(status, contentType, body.WrittenMemory);
    }
}
