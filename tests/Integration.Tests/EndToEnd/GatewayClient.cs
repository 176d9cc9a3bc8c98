using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>Everybody who speaks to one gateway: its callers, its approvers, and its upstream's owner.</summary>
public sealed class GatewayClient(string data, string control, Func<string, string> tokenOf) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
    {
        Timeout = CountersignProcess.PatienceMax,
    };

    /// <summary>The data listener.</summary>
    public string Data => data;

    /// <summary>The control listener.</summary>
    public string Control => control;

    /// <summary>Calls a function as somebody.</summary>
    public Task<Answer> CallAsync(
        string user, string method, string path, string? body = null, params (string Name, string Value)[] fields) =>
        SendAsync(user, new HttpMethod(method), data + path, body, "application/json", fields);

    /// <summary>Asks the control listener as somebody.</summary>
    public Task<Answer> ControlAsync(
        string user, string method, string path, string? body = null, string contentType = "application/json") =>
        SendAsync(user, new HttpMethod(method), control + path, body, contentType, []);

    /// <summary>Reads something that is open to everybody.</summary>
    public async Task<Answer> GetAsync(string url)
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(url));
        return await Answer.ReadAsync(response);
    }

    /// <summary>Decides on an approval.</summary>
    public Task<Answer> DecideAsync(string user, string approval, string digest, string decision = "approve") =>
        ControlAsync(user, "POST", $"/api/v1/approvals/{approval}/decisions", Decision(digest, decision));

    /// <summary>Asks for what must be approved, and lets somebody approve it; the approval's id.</summary>
    public async Task<Answer> AskApprovedAsync(string user, string path, string? body, string approver)
    {
        Answer asked = await CallAsync(user, "POST", path, body);
        Assert.Equal(428, asked.Status);
        Answer decided = await DecideAsync(approver, asked["approval"], asked["digest"]);
        Assert.Equal("approved", decided["state"]);
        return asked;
    }

    /// <summary>Waits until the approver is shown an approval that somebody asked for with this reason.</summary>
    public async Task<JsonObject> PendingAsync(string approver, string reason)
    {
        JsonObject? found = null;
        await Until.TrueAsync(async () =>
        {
            Answer list = await ControlAsync(approver, "GET", "/api/v1/approvals?status=pending&limit=200");
            found = list.Body["items"]?.AsArray().FirstOrDefault(
                one => one!["reason"]!.ToString() == reason)?.AsObject();
            return found is not null;
        });
        return found!;
    }

    /// <summary>Publishes a policy.</summary>
    public Task<Answer> PublishAsync(string user, string policy) =>
        ControlAsync(user, "POST", "/api/v1/policies", policy, "application/yaml");

    public void Dispose() => _http.Dispose();

    private static string Decision(string digest, string decision) =>
        new JsonObject { ["decision"] = decision, ["digest"] = digest, ["reason"] = "looked at" }.ToJsonString();

    private async Task<Answer> SendAsync(
        string user, HttpMethod method, string url, string? body, string contentType, (
            string Name, string Value)[] fields)
    {
        using HttpRequestMessage request = new(method, url);
        if (user.Length > 0) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokenOf(user));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        }

        foreach ((string name, string value) in fields) request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await _http.SendAsync(request);
        return await Answer.ReadAsync(response);
    }
}
