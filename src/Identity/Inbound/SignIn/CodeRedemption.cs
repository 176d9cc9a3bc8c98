using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Inbound.SignIn;

/// <summary>Redeems authorization codes (RFC 6749 section 4.1.3), each once.</summary>
internal sealed class CodeRedemption(HttpMessageInvoker http, TimeProvider clock, ILogger logger)
{
    private const int AnswerBytesMax = 64 * 1024;

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    /// <summary>The ID token's bytes; null when the issuer refused, or gave something else.</summary>
    public async ValueTask<byte[]?> RedeemAsync(
        SignInClient client, SignInEndpoints endpoints, string code, string redirectUri, string verifier,
        CancellationToken cancel)
    {
        using CancellationTokenSource late = new(AnswerWithin, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancel);
        using HttpRequestMessage request = Request(client, endpoints, code, redirectUri, verifier);
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, either.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                SignInLog.NotRedeemed(logger, client.Issuer.Issuer, $"it answered {(int)response.StatusCode}");
                return null;
            }

            byte[] answer = new byte[AnswerBytesMax + 1];
            Stream body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                int length = await body.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, either.Token)
                    .ConfigureAwait(false);
                return length > AnswerBytesMax ? null : IdTokenIn(answer.AsMemory(0, length));
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            SignInLog.NotRedeemed(logger, client.Issuer.Issuer, fault.GetType().Name);
            return null;
        }
    }

    private static HttpRequestMessage Request(
        SignInClient client, SignInEndpoints endpoints, string code, string redirectUri, string verifier)
    {
        Dictionary<string, string> form = new()
        {
            ["grant_type"] = "authorization_code",
            ["code"] = code,
            ["redirect_uri"] = redirectUri,
            ["code_verifier"] = verifier,
        };
        HttpRequestMessage request = new(HttpMethod.Post, endpoints.Token);
        request.Headers.Accept.ParseAdd("application/json");
        bool hasSecret = !client.ClientSecret.IsEmpty;

        // STYLE 15: the HTTP client takes strings only; this one lives as long as its request.
        string secret = Encoding.UTF8.GetString(client.ClientSecret.Span);
        if (hasSecret && !endpoints.IsSecretInBody)
        {
            // RFC 6749 section 2.3.1: both halves are form-encoded first.
            string pair = Uri.EscapeDataString(client.ClientId) + ":" + Uri.EscapeDataString(secret);
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes(pair)));
        }
        else
        {
            form["client_id"] = client.ClientId;
            if (hasSecret) form["client_secret"] = secret;
        }

        request.Content = new FormUrlEncodedContent(form);
        return request;
    }

    private static byte[]? IdTokenIn(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(answer);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("id_token", out JsonElement token)
                && ClaimText.TryRead(token, out string text)
                    ? Encoding.UTF8.GetBytes(text)
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
