using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Countersign.ControlPlane.Console.Sessions;

/// <summary>Where a browser says that a request comes from.</summary>
internal static class RequestOrigin
{
    /// <summary>
    /// False when the browser says that another site, or nobody in particular, sent it. A client that says nothing is
    /// no browser of today; the form's token is asked of everybody.
    /// </summary>
    public static bool IsOurs(HttpRequest request, string publicUrl)
    {
        StringValues site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0 && site.ToString() != "same-origin") return false;
        StringValues origin = request.Headers.Origin;
        if (origin.Count == 0) return true;
        string said = origin.ToString();
        return said.Equals(publicUrl, StringComparison.OrdinalIgnoreCase)
            || (Uri.TryCreate(said, UriKind.Absolute, out Uri? uri) && request.Host.HasValue
                && uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)
                && uri.Scheme is "http" or "https");
    }
}
