using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Countersign.Identity.Tests.Outbound;

/// <summary>A request that a broker sent.</summary>
internal sealed record Asked(string Method, string Path, string Body, IReadOnlyDictionary<string, string> Fields);

/// <summary>An identity provider, or a vault, behind the brokers' handler.</summary>
internal sealed class ScriptedServer : HttpMessageHandler
{
    /// <summary>What was asked, in order.</summary>
    internal ConcurrentQueue<Asked> Requests { get; } = new();

    /// <summary>What it answers.</summary>
    internal Func<Asked, Task<HttpResponseMessage>> Script { get; set; } =
        _ => Task.FromResult(Answer(200, "{}"));

    /// <summary>An answer of JSON.</summary>
    internal static HttpResponseMessage Answer(int status, string body) => new((HttpStatusCode)status)
    {
        Content = new StringContent(body, Encoding.UTF8, "application/json"),
    };

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        Asked asked = new(
            request.Method.Method, request.RequestUri!.PathAndQuery, body,
            request.Headers.ToDictionary(one => one.Key, one => string.Join(',', one.Value)));
        Requests.Enqueue(asked);
        return await Script(asked).WaitAsync(cancellationToken);
    }
}
