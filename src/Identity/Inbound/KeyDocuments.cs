using System.Net;
using System.Text;
using Microsoft.IdentityModel.Protocols;

namespace Countersign.Identity.Inbound;

/// <summary>Fetches discovery documents and key sets: https (or loopback), no redirects, bounded, 200 and nothing
/// else.</summary>
internal sealed class KeyDocuments(
    HttpMessageInvoker http, int documentBytesMax, string type = "application/json") : IDocumentRetriever
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>True for an absolute https address, or an http one on this machine.</summary>
    public static bool IsFetchable(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out Uri? uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));

    /// <summary>Fetches one document; throws <see cref="IOException"/>, which is how the library expects
    /// failures.</summary>
    public async Task<string> GetDocumentAsync(string address, CancellationToken cancel)
    {
        if (!IsFetchable(address)) throw new IOException("the address is neither https nor loopback");
        Uri uri = new(address);
        using HttpRequestMessage request = new(HttpMethod.Get, uri);
        request.Headers.Accept.ParseAdd(type);
        using HttpResponseMessage response = await http.SendAsync(request, cancel).ConfigureAwait(false);

        // A handler that follows redirects says so here; the address that was checked is the one that must answer.
        if (request.RequestUri != uri) throw new IOException("the issuer redirects");
        if (response.StatusCode != HttpStatusCode.OK)
            throw new IOException($"the issuer answered {(int)response.StatusCode}");
        if (response.Content.Headers.ContentLength > documentBytesMax)
            throw new IOException("the document is too large");

        Stream body = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            byte[] bytes = new byte[documentBytesMax + 1];
            int length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel)
                .ConfigureAwait(false);
            if (length > documentBytesMax) throw new IOException("the document is too large");
            return Utf8.GetString(bytes, 0, length);
        }
    }
}
