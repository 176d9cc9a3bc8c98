using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Countersign.Cli;

/// <summary>An answer of the control API.</summary>
/// <param name="Status">The HTTP status; 0 when the listener could not be reached.</param>
/// <param name="Body">The answer, or null.</param>
/// <param name="Text">The answer as text, or why there is none.</param>
internal sealed record ControlAnswer(int Status, JsonNode? Body, string Text)
{
    /// <summary>True for 2xx.</summary>
    internal bool IsOk => Status is >= 200 and < 300;

    /// <summary>One line for people: the problem's name and detail.</summary>
    internal string Problem()
    {
        if (Status == 0) return Text;
        string name = Field("type").Replace("urn:countersign:", "", StringComparison.Ordinal);
        return $"{name} ({Status}): {Field("detail")}";
    }

    private string Field(string name) =>
        Body is JsonObject problem && problem[name] is JsonValue value ? value.ToString() : "";
}

/// <summary>Speaks to the control listener as the person whose token it holds.</summary>
internal sealed class ControlClient : IDisposable
{
    // STYLE 4: HttpClient is banned outside Identity; the CLI is a client of the control API and speaks HTTP to it.
    private readonly HttpClient _http;

    internal ControlClient(Uri control, string token)
    {
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false })
        {
            BaseAddress = control,
            Timeout = TimeSpan.FromSeconds(30),
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Reads.</summary>
    internal Task<ControlAnswer> GetAsync(string path, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), cancellation);

    /// <summary>Acts.</summary>
    internal Task<ControlAnswer> PostAsync(
        string path, string body, string contentType, CancellationToken cancellation, string reason = "")
    {
        HttpRequestMessage request = new(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, contentType),
        };
        if (reason.Length > 0) request.Headers.TryAddWithoutValidation("Countersign-Reason", reason);
        return SendAsync(request, cancellation);
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose() => _http.Dispose();

    private async Task<ControlAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using (request)
        {
            try
            {
                using HttpResponseMessage response = await _http.SendAsync(request, cancellation);
                string text = await response.Content.ReadAsStringAsync(cancellation);
                return new ControlAnswer((int)response.StatusCode, Parse(text), text);
            }
            catch (Exception fault) when (
                fault is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                return new ControlAnswer(
                    0, null, $"the control listener at {_http.BaseAddress} cannot be reached: {fault.Message}");
            }
        }
    }

    private static JsonNode? Parse(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
