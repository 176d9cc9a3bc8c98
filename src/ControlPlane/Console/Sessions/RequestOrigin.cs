using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane.Console.Sessions;

/// <summary>Where a browser says that a request comes from.</summary>
internal static class RequestOrigin
{
    /// <summary>
    /// False when the browser says that another site, or nobody in particular, sent it. Reading is left to whoever says
    /// nothing; a change needs an origin of ours, or a browser's word that it is the same one.
    /// </summary>
    public static bool IsOurs(HttpRequest request, string publicUrl)
    {
        StringValues site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0 && site.ToString() != "same-origin") return false;
        StringValues origin = request.Headers.Origin;
        bool isRead = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (origin.Count == 0) return isRead || site.Count > 0;
        string said = origin.ToString();
        return said.Equals(publicUrl, StringComparison.OrdinalIgnoreCase)
            || (Uri.TryCreate(said, UriKind.Absolute, out Uri? uri) && request.Host.HasValue
                && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)
                && uri.Scheme is "http" or "https");
    }
}
