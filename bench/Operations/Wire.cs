using System.Globalization;
using System.Text;

namespace Countersign.Bench.Operations;

/// <summary>What the operations are fed: messages and bodies of ordinary size and shape.</summary>
internal static class Wire
{
    private const string TokenLikeText = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0In0";

    internal static byte[] RequestHead { get; } = Encoding.ASCII.GetBytes(
        "GET /people/17/notes?since=2026-01-01&limit=50 HTTP/1.1\r\nHost: gateway.test:8080\r\n"
        + "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
        + "Accept: application/json, text/plain;q=0.5\r\n"
        + "Accept-Encoding: gzip, br\r\nAccept-Language: en-GB,en;q=0.9\r\n"
        + "Authorization: Bearer " + TokenLikeText + "\r\n"
        + "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nCookie: session=4f1c9a\r\n"
        + "Connection: keep-alive\r\n\r\n");

    internal static byte[] ResponseHead { get; } = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2026 12:00:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\n"
        + "Content-Length: 4096\r\nCache-Control: no-store\r\n"
        + "ETag: \"5d8c72a5\"\r\nServer: api\r\nVary: Accept\r\n\r\n");

    /// <summary>A chunked body with an extension on its first chunk and a trailer.</summary>
    internal static byte[] Chunked(int chunks, int chunkBytes)
    {
        StringBuilder text = new();
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            text.Append(chunkBytes.ToString("x", CultureInfo.InvariantCulture));
            text.Append(chunk == 0 ? ";part=first\r\n" : "\r\n");
            text.Append('a', chunkBytes).Append("\r\n");
        }

        return Encoding.ASCII.GetBytes(text.Append("0\r\nChecksum: none\r\n\r\n").ToString());
    }

    /// <summary>A list of people as an API returns it, at least this long.</summary>
    internal static byte[] People(int bytes)
    {
        StringBuilder text = new("{\"people\":[");
        for (int person = 1; text.Length < bytes; person++)
        {
            if (person > 1) text.Append(',');
            string number = person.ToString("D4", CultureInfo.InvariantCulture);
            text.Append("{\"id\":").Append(person)
                .Append(",\"name\":\"Person ").Append(number).Append(" Moreau\",\"email\":\"person.").Append(number)
                .Append("@example.com\",\"ssn\":\"219-09-").Append(number)
                .Append("\",\"active\":true,\"score\":12.75,")
                .Append("\"address\":{\"street\":\"12 Analytical Way\",\"city\":\"Washington\"},")
                .Append("\"cards\":[{\"brand\":\"visa\",\"number\":\"411111111111")
                .Append(number).Append("\"}],\"note\":null}");
        }

        return Encoding.UTF8.GetBytes(text.Append("],\"whole\":true}").ToString());
    }
}
