using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>How a client tells a token endpoint who it is (RFC 6749 section 2.3.1).</summary>
public enum ClientAuthentication : byte
{
    /// <summary>By HTTP Basic authentication.</summary>
    Basic = 0,

    /// <summary>In the form.</summary>
    Post,
}

/// <summary>The gateway as a client of an identity provider.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Endpoint">The token endpoint.</param>
/// <param name="ClientId">Its id there.</param>
/// <param name="ClientSecret">Its secret there, UTF-8; wiped by who made it.</param>
/// <param name="Authentication">How it shows it.</param>
public sealed record OAuthClient(
    string Name, Uri Endpoint, string ClientId, ReadOnlyMemory<byte> ClientSecret,
    ClientAuthentication Authentication = ClientAuthentication.Basic)
{
    /// <summary>The <c>aud</c> of the gateway's own word; the endpoint where it is empty.</summary>
    public string AssertionAudience { get; init; } = "";
}

/// <summary>An access token as it came.</summary>
/// <param name="Token">Its bytes; a secret.</param>
/// <param name="GoodFor">How long it lives; zero where the endpoint did not say.</param>
/// <param name="Fault">Why there is none.</param>
internal readonly record struct IssuedToken(byte[]? Token, TimeSpan GoodFor, string Fault);

/// <summary>Asks a token endpoint (RFC 6749 section 3.2) and believes nothing of what it answers unchecked.</summary>
internal sealed class TokenEndpoint(OAuthClient client, BrokerHttp http)
{
    private const int TokenBytesMax = 16_384;

    internal async ValueTask<IssuedToken> AskAsync(
        List<KeyValuePair<string, string>> form, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, client.Endpoint);
        string secret = Encoding.UTF8.GetString(client.ClientSecret.Span);
        if (client.Authentication == ClientAuthentication.Post)
        {
            form.Add(new("client_id", client.ClientId));
            form.Add(new("client_secret", secret));
        }
        else
        {
            string pair = Uri.EscapeDataString(client.ClientId) + ":" + Uri.EscapeDataString(secret);
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(pair)));
        }

        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Content = new FormUrlEncodedContent(form);
        BrokerAnswer answer = await http.SendAsync(request, cancellation);
        try
        {
            return Read(answer);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(answer.Body);
        }
    }

    private IssuedToken Read(BrokerAnswer answer)
    {
        if (answer.Fault.Length > 0) return Failed(answer.Fault);
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Body);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return Failed($"answered {answer.Status} and no object");
            if (answer.Status != 200) return Failed($"answered {answer.Status}{ErrorIn(root)}");
            string token = root.GetProperty("access_token").GetString() ?? "";
            bool isToken = token.Length is > 0 and <= TokenBytesMax
                && !token.AsSpan().ContainsAnyExceptInRange('!', '~');
            if (!isToken) return Failed("gave no token");
            bool isBearer = root.TryGetProperty("token_type", out JsonElement type)
                && string.Equals(type.GetString(), "bearer", StringComparison.OrdinalIgnoreCase);
            if (!isBearer) return Failed("gave a token that is no bearer token");
            double seconds = root.TryGetProperty("expires_in", out JsonElement expires) ? expires.GetDouble() : 0;
            if (root.TryGetProperty("expires_in", out _) && seconds is not (>= 1 and <= 1e9))
                return Failed("gave a token that has expired already");
            return new(Encoding.ASCII.GetBytes(token), TimeSpan.FromSeconds(seconds), "");
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException)
        {
            return Failed($"answered {answer.Status} and nothing that can be read");
        }
    }

    // RFC 6749 section 5.2: a short word. What else it says could hold anything.
    private static string ErrorIn(JsonElement root)
    {
        string? error = root.TryGetProperty("error", out JsonElement named) && named.ValueKind == JsonValueKind.String
            ? named.GetString()
            : null;
        bool isWord = error is { Length: > 0 and <= 40 }
            && error.All(one => char.IsAsciiLetterLower(one) || one == '_');
        return isWord ? ", " + error : "";
    }

    private IssuedToken Failed(string what) => new(null, default, $"the token endpoint of '{client.Name}' {what}");
}
