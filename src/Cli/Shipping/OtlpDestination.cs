using System.Net.Http.Headers;

namespace Countersign.Cli.Shipping;

/// <summary>
/// A collector of logs over OTLP/HTTP with JSON. An answer 200 is its acknowledgement. It cannot say what it has, so
/// the cursor decides: a crash between its answer and the cursor repeats one batch under the same uids.
/// </summary>
internal sealed class OtlpDestination(
    Uri url, IReadOnlyDictionary<string, string> headers, TimeProvider clock) : IAuditDestination
{
    private const int AnswerBytesMax = 1_048_576;
    private const int TooLarge = 413;

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    public bool Remembers => false;

    public ValueTask<ShipOpening> OpenAsync(LogIdentity log, CancellationToken cancellation) =>
        new(new ShipOpening(ShipStatus.Taken));

    public async ValueTask<ShipResult> WriteAsync(ShipBatch batch, CancellationToken cancellation) =>
        await WriteAsync(batch, 0, batch.Entries.Count, cancellation);

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    // What is too large as a whole is sent in halves, down to single records.
    private async Task<ShipResult> WriteAsync(ShipBatch batch, int from, int count, CancellationToken cancellation)
    {
        (int status, byte[] answer, string fault) = await SendAsync(
            OtlpText.Write(batch, from, count, clock.GetUtcNow()), cancellation);
        if (status == TooLarge && count > 1)
        {
            ShipResult first = await WriteAsync(batch, from, count / 2, cancellation);
            if (first.Status != ShipStatus.Taken) return first;
            ShipResult second = await WriteAsync(batch, from + (count / 2), count - (count / 2), cancellation);
            string why = first.Message.Length > 0 ? first.Message : second.Message;
            return second with { Rejected = first.Rejected + second.Rejected, Message = why };
        }

        if (status == 200)
        {
            (long rejected, string message) = OtlpText.Rejected(answer);
            return new(ShipStatus.Taken, message, rejected);
        }

        // Which ones may be sent again is said by the specification of OTLP/HTTP; the rest is for people to mend.
        return status is 0 or 408 or 429 or >= 500
            ? new(ShipStatus.Away, status == 0 ? fault : $"it answered {status}")
            : new(ShipStatus.Refused, $"it answered {status}");
    }

    private async Task<(int Status, byte[] Answer, string Fault)> SendAsync(
        byte[] body, CancellationToken cancellation)
    {
        using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        within.CancelAfter(ShipLimits.WrittenWithin);
        using HttpRequestMessage request = new(HttpMethod.Post, url);
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, within.Token);
            await response.Content.LoadIntoBufferAsync(AnswerBytesMax, within.Token);
            return ((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(within.Token), "");
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            string words = fault is HttpRequestException told ? told.HttpRequestError.ToString() : "it did not answer";
            return (0, [], words);
        }
    }
}
