using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Countersign.Policy.Notices;

namespace Countersign.ControlPlane.Notices;

/// <summary>How one attempt ended. Zero is a failure that is tried again.</summary>
/// <param name="IsDelivered">The receiver has it.</param>
/// <param name="IsFinal">The receiver wants no more of it.</param>
/// <param name="Error">What went wrong, without address, secret or the receiver's words.</param>
/// <param name="RetryAfter">When the receiver wants to be tried again, if it says.</param>
internal readonly record struct Delivery(bool IsDelivered, bool IsFinal, string Error, TimeSpan? RetryAfter);

/// <summary>
/// Sends notices. Follows no redirect, reads no answer beyond its head, and waits no longer than it may.
/// </summary>
internal sealed class WebhookSender(HttpMessageInvoker http, TimeProvider clock)
{
    /// <summary>What notices are sent with: nothing of it is shared with anything else.</summary>
    public static SocketsHttpHandler Handler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ConnectTimeout = ControlPlaneLimits.DeliveryWithin,
        MaxConnectionsPerServer = 4,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 16_384,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };

    /// <summary>One attempt.</summary>
    public async ValueTask<Delivery> SendAsync(WebhookOptions webhook, Notice notice, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, webhook.Url) { Content = ContentOf(notice) };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Countersign", null));
        if (webhook.Kind == WebhookKind.Generic) Sign(request.Headers, webhook, notice);
        using CancellationTokenSource late = new(ControlPlaneLimits.DeliveryWithin, clock);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(cancellation, late.Token);
        try
        {
            using HttpResponseMessage answer = await http.SendAsync(request, either.Token);
            return Read(answer);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Failed("no answer in time");
        }
        catch (HttpRequestException fault)
        {
            return Failed(fault.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => "the name cannot be resolved",
                HttpRequestError.ConnectionError => "no connection",
                HttpRequestError.SecureConnectionError => "the TLS connection failed",
                _ => "the answer is not HTTP, or broke off",
            });
        }
    }

    private static ByteArrayContent ContentOf(Notice notice)
    {
        ByteArrayContent content = new(Encoding.UTF8.GetBytes(notice.Body));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    // The time is the attempt's: a receiver refuses what is old as a replay.
    private void Sign(HttpRequestHeaders fields, WebhookOptions webhook, Notice notice)
    {
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        fields.Add("webhook-id", notice.Id);
        fields.Add("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        fields.Add("webhook-signature", WebhookSignature.Sign(webhook.Secret.Span, notice.Id, now, notice.Body));
    }

    private Delivery Read(HttpResponseMessage answer)
    {
        int status = (int)answer.StatusCode;
        if (status is >= 200 and < 300) return new(true, true, "", null);
        string error = string.Create(CultureInfo.InvariantCulture, $"answered {status}");
        if (status is >= 300 and < 400) error += ", and redirects are not followed";
        TimeSpan? wait = answer.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - clock.GetUtcNow(),
            _ => null,
        };
        return new(false, answer.StatusCode == HttpStatusCode.Gone, error, wait);
    }

    private static Delivery Failed(string error) => new(false, false, error, null);
}
