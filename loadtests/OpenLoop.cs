using System.Globalization;

namespace Countersign.LoadTests;

/// <summary>
/// Sends calls at a fixed rate, whether or not earlier ones were answered, and measures each from the moment it was
/// due: a gateway that stalls is charged for every call that should have been sent meanwhile.
/// </summary>
internal sealed class OpenLoop(HttpMessageInvoker http, DemoProcess demo, Secrets secrets, TimeProvider clock)
{
    private const string CallField = "Countersign-Call";
    private const string MaskedField = "Countersign-Masked";
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(30);

    // The shortest wait that timers keep; calls due within it are sent together.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    /// <summary>Sends <paramref name="count"/> calls and waits for every answer.</summary>
    internal async Task<CallResult[]> RunAsync(int count, int rate)
    {
        Task<CallResult>[] calls = new Task<CallResult>[count];
        long startedAt = clock.GetTimestamp();
        double ticksPerCall = (double)clock.TimestampFrequency / rate;
        for (int sent = 0; sent < count;)
        {
            long now = clock.GetTimestamp();
            for (; sent < count && DueAt(sent) <= now; sent++)
            {
                int number = sent;
                long dueAt = DueAt(number);
                calls[number] = Task.Run(() => CallAsync(number, dueAt));
            }

            if (sent < count) await Task.Delay(Tick, clock);
        }

        return await Task.WhenAll(calls);

        long DueAt(int number) => startedAt + (long)(number * ticksPerCall);
    }

    /// <summary>One call of each kind, one after another, so that connections and code are warm. They count in the
    /// audit.</summary>
    internal async Task<CallResult[]> WarmAsync(int count)
    {
        CallResult[] results = new CallResult[count];
        for (int number = 0; number < count; number++) results[number] = await CallAsync(number, clock.GetTimestamp());
        return results;
    }

    private async Task<CallResult> CallAsync(int number, long dueAt)
    {
        CallKind kind = Scenario.Of(number);
        using CancellationTokenSource timer = new(AnswerWithin, clock);
        try
        {
            using HttpRequestMessage request = kind.ToRequest(demo.Data, demo.Tokens[kind.User], number);
            using HttpResponseMessage response = await http.SendAsync(request, timer.Token);
            byte[] body = await response.Content.ReadAsByteArrayAsync(timer.Token);
            double latency = clock.GetElapsedTime(dueAt).TotalMilliseconds;
            bool hasId = Guid.TryParseExact(Field(response, CallField), "D", out Guid call);
            return new CallResult(kind, call, latency, hasId ? Judge(kind, response, body) : "no " + CallField);
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException or IOException)
        {
            double latency = clock.GetElapsedTime(dueAt).TotalMilliseconds;
            return new CallResult(kind, Guid.Empty, latency, "no answer: " + fault.Message);
        }
    }

    private string? Judge(CallKind kind, HttpResponseMessage response, byte[] body)
    {
        if (secrets.FindIn(body) is { } secret) return $"{kind.Target} shows {secret}";
        int status = (int)response.StatusCode;
        if (status != kind.Status) return $"{kind.Name} {kind.Target}: {status} in place of {kind.Status}";
        if (!kind.IsMasked) return null;
        string? count = Field(response, MaskedField);
        bool hasCount = int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int masked);
        return hasCount && masked > 0 ? null : $"{kind.Target}: nothing was masked";
    }

    private static string? Field(HttpResponseMessage response, string name)
    {
        if (response.Headers.TryGetValues(name, out IEnumerable<string>? values)) return values.Single();
        return response.TrailingHeaders.TryGetValues(name, out values) ? values.Single() : null;
    }
}
