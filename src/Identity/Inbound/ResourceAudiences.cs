using System.Text.Json;
using Countersign.Policy;

namespace Countersign.Identity.Inbound;

/// <summary>
/// Audiences that name a resource under the data listener (RFC 8707 section 2): a token that is for such resources and
/// for nothing else is good there alone (docs/decisions/0094).
/// </summary>
internal sealed class ResourceAudiences
{
    private Func<string>? _listener;

    /// <summary>What callers reach the data listener under; null knows no resources.</summary>
    public Func<string>? Listener
    {
        get => Volatile.Read(ref _listener);
        set => Volatile.Write(ref _listener, value);
    }

    /// <summary>The caller, held to the resources that the token is for, where it is for those alone.</summary>
    /// <param name="claims">Proven claims.</param>
    /// <param name="options">Their issuer's, whose audiences count.</param>
    /// <param name="caller">Whom they prove.</param>
    public Caller Narrow(JsonElement claims, IssuerOptions options, Caller caller)
    {
        List<string> named = [];
        if (Listener is not { } listener || !claims.TryGetProperty("aud", out JsonElement aud)
            || !ClaimText.TryReadList(aud, named)) return caller;
        List<string> paths = [];
        foreach (string audience in named)
        {
            if (!options.Audiences.Contains(audience)) continue;
            if (!TryGetPath(audience, listener(), out string path)) return caller;
            paths.Add(path);
        }

        return caller.HeldTo(paths);
    }

    /// <summary>True for an address under the listener's, and not the listener itself.</summary>
    internal static bool TryGetPath(string audience, string listener, out string path)
    {
        path = "";
        if (!Uri.TryCreate(audience, UriKind.Absolute, out Uri? resource)
            || !Uri.TryCreate(listener, UriKind.Absolute, out Uri? root)) return false;
        bool isHere = Uri.Compare(
            resource, root, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped,
            StringComparison.OrdinalIgnoreCase) == 0;
        string above = root.AbsolutePath.TrimEnd('/');
        if (!isHere || !resource.AbsolutePath.StartsWith(above, StringComparison.Ordinal)) return false;
        string below = resource.AbsolutePath[above.Length..].TrimEnd('/') + resource.Query + resource.Fragment;
        if (below.Length == 0 || !(below[0] is '/' or '?' or '#')) return false;

        // One that no request's path can be, such as one with a query, is under it too: good for nothing.
        path = below;
        return true;
    }
}
