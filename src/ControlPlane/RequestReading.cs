using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Countersign.ControlPlane;

/// <summary>What a request says: its body, its query.</summary>
internal static class RequestReading
{
    /// <summary>The whole body; null when it is longer than <paramref name="bytesMax"/>, the only limit that counts for
    /// what is used: Kestrel's is larger, for what is thrown away.</summary>
    public static async ValueTask<byte[]?> BodyAsync(HttpContext context, int bytesMax)
    {
        if (context.Request.ContentLength > bytesMax) return null;
        using MemoryStream body = new();
        byte[] part = new byte[Math.Min(bytesMax, 16_384)];
        while (true)
        {
            int bytes = await context.Request.Body.ReadAsync(part, context.RequestAborted);
            if (bytes == 0) return body.ToArray();
            if (body.Length + bytes > bytesMax) return null;
            body.Write(part, 0, bytes);
        }
    }

    /// <summary>The whole body of a request that says it is JSON (<c>application/json</c>, or any type with
    /// <c>+json</c>, in UTF-8); else why not: 415 for another type or none, 413 for a longer one.</summary>
    public static async ValueTask<(byte[]? Body, Reply? Refusal)> JsonBodyAsync(HttpContext context, int bytesMax)
    {
        if (!IsJsonType(context.Request.ContentType))
            return (null, Reply.Refuse(Refusal.UnsupportedMediaType, "Send application/json, in UTF-8."));
        byte[]? body = await BodyAsync(context, bytesMax);
        return body is null ? (null, Reply.Refuse(Refusal.BodyTooLarge)) : (body, null);
    }

    /// <summary>True for a media type of JSON (RFC 8259, RFC 6839) in UTF-8.</summary>
    internal static bool IsJsonType(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)) return false;
        bool isUtf8 = !type.Charset.HasValue
            || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);
        return isUtf8 && (type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The fields of a form, each sent once; null for anything else.</summary>
    public static async ValueTask<Dictionary<string, string>?> FormAsync(HttpContext context, int bytesMax)
    {
        bool isForm = context.Request.ContentType?.StartsWith(
            "application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true;
        if (!isForm) return null;
        byte[]? body = await BodyAsync(context, bytesMax);
        if (body is null) return null;
        Dictionary<string, string> fields = new(StringComparer.Ordinal);
        foreach ((string name, StringValues values) in QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body)))
        {
            if (values.Count != 1) return null;
            fields[name] = values.ToString();
        }

        return fields;
    }

    /// <summary>The value of a query parameter; null when it is absent. False when it is given twice.</summary>
    public static bool TryQuery(HttpContext context, string name, out string? value)
    {
        StringValues given = context.Request.Query[name];
        value = given.Count == 1 ? given.ToString() : null;
        return given.Count <= 1;
    }

    /// <summary>A whole number in a query parameter; <paramref name="otherwise"/> when it is absent. False when it is
    /// not one, or out of range.</summary>
    public static bool TryNumber(
        HttpContext context, string name, long least, long most, long otherwise, out long number)
    {
        number = otherwise;
        if (!TryQuery(context, name, out string? text)) return false;
        if (text is null) return true;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && number >= least && number <= most;
    }

    /// <summary>True if the client has what carries this tag (RFC 9110 section 13.1.2): weakly compared.</summary>
    public static bool IsKnown(HttpContext context, string tag)
    {
        IList<EntityTagHeaderValue> known = context.Request.GetTypedHeaders().IfNoneMatch;
        EntityTagHeaderValue present = new(tag);
        return known.Any(
            one => one.Equals(EntityTagHeaderValue.Any) || one.Compare(present, useStrongComparison: false));
    }

    /// <summary>A segment of the path; the route has made sure that there is one.</summary>
    public static string Segment(HttpContext context, string name) => (string)context.Request.RouteValues[name]!;

    /// <summary>True for the written form of an id, which is the store's key too.</summary>
    public static bool IsId(string text) => Guid.TryParseExact(text, "D", out _);
}
