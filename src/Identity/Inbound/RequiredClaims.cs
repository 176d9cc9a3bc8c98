using System.Text.Json;

namespace Countersign.Identity.Inbound;

/// <summary>What every token of an issuer must say, beside what all tokens must.</summary>
internal static class RequiredClaims
{
    /// <summary>True if each required claim is, or holds, one of the texts that it may be.</summary>
    public static bool Hold(JsonElement claims, IssuerOptions options)
    {
        foreach ((string path, IReadOnlyList<string> allowed) in options.Requires)
        {
            if (!ClaimPath.TryFind(claims, path, out JsonElement held)) return false;
            bool isSo = held.ValueKind == JsonValueKind.Array
                ? held.EnumerateArray().Any(item => IsOneOf(item, allowed))
                : IsOneOf(held, allowed);
            if (!isSo) return false;
        }

        return true;
    }

    private static bool IsOneOf(JsonElement value, IReadOnlyList<string> allowed) => value.ValueKind switch
    {
        JsonValueKind.String => ClaimText.TryRead(value, out string text) && allowed.Contains(text),
        JsonValueKind.True => allowed.Contains("true"),
        JsonValueKind.False => allowed.Contains("false"),
        _ => false,
    };
}
