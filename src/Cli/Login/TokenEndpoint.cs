using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Cli.Login;

/// <summary>An answer of an identity provider: what it said, or why it said nothing.</summary>
internal sealed record ProviderAnswer(JsonObject? Body, string Error, string Fault)
{
    /// <summary>A member's text, or null.</summary>
    internal string? Text(string name) =>
        Body?[name] is JsonValue value && value.TryGetValue(out string? text) && text.Length > 0 ? text : null;

    /// <summary>A member's number, or null.</summary>
    internal int? Number(string name) =>
        Body?[name] is JsonValue value && value.TryGetValue(out int number) ? number : null;
}

/// <summary>
/// Speaks to an identity provider, found by discovery: only over https, or on this machine, and only with endpoints of
/// the same kind.
/// </summary>
internal sealed class TokenEndpoint : IDisposable
{
    private const int AnswerBytesMax = 262_144;

    // STYLE 4: HttpClient is banned outside Identity; the CLI is a client of the identity provider here.
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false })
    {
        Timeout = TimeSpan.FromSeconds(15),
        MaxResponseContentBufferSize = AnswerBytesMax,
    };

    private ProviderAnswer? _configuration;

    /// <summary>Reads the provider's configuration; what is wrong with it, or empty.</summary>
    internal async Task<string> DiscoverAsync(string issuer, CancellationToken cancellation)
    {
        if (!IsSafe(issuer)) return $"'{issuer}' is not https, nor on this machine";
        string at = issuer.TrimEnd('/') + "/.well-known/openid-configuration";
        _configuration = await SendAsync(new HttpRequestMessage(HttpMethod.Get, at), cancellation);
        if (_configuration.Fault.Length > 0) return _configuration.Fault;

        // OpenID Connect Discovery section 4.3: another issuer's document proves nothing.
        return _configuration.Text("issuer") == issuer ? "" : $"{at} is of another issuer";
    }

    /// <summary>True if the provider names such an endpoint.</summary>
    internal bool Has(string endpoint) => _configuration?.Text(endpoint) is { } url && IsSafe(url);

    /// <summary>Posts a form to one of the provider's endpoints.</summary>
    internal Task<ProviderAnswer> PostAsync(
        string endpoint, IReadOnlyDictionary<string, string> form, CancellationToken cancellation)
    {
        if (!Has(endpoint))
            return Task.FromResult(new ProviderAnswer(null, "", $"the identity provider names no usable {endpoint}"));
        HttpRequestMessage request = new(HttpMethod.Post, _configuration!.Text(endpoint))
        {
            Content = new FormUrlEncodedContent(form),
        };
        request.Headers.Accept.ParseAdd("application/json");
        return SendAsync(request, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<ProviderAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using (request)
        {
            try
            {
                using HttpResponseMessage response = await _http.SendAsync(request, cancellation);
                string text = await response.Content.ReadAsStringAsync(cancellation);
                JsonObject? body = text.Length == 0 ? [] : JsonNode.Parse(text) as JsonObject;
                ProviderAnswer answer = new(body, "", body is null ? "the identity provider sent no object" : "");
                if (response.IsSuccessStatusCode || body is null) return answer;
                string error = answer.Text("error") ?? "";
                string told = answer.Text("error_description") ?? error;
                return new(body, error, $"the identity provider refused ({(int)response.StatusCode}): {told}");
            }
            catch (JsonException)
            {
                return new(null, "", "the identity provider did not answer with JSON");
            }
            catch (Exception fault) when (
                fault is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                return new(null, "", "the identity provider cannot be reached: " + fault.Message);
            }
        }
    }

    private static bool IsSafe(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? url)
        && (url.Scheme == "https" || (url.Scheme == "http" && url.IsLoopback)) && url.UserInfo.Length == 0;
}
