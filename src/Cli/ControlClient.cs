using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
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

/// <summary>Where a client's token comes from; asked before each request, since a login may be renewed.</summary>
/// <param name="cancellation">Gives up.</param>
/// <returns>The token, or why there is none.</returns>
internal delegate ValueTask<(string? Token, string Fault)> TokenSource(CancellationToken cancellation);

/// <summary>Speaks to the control listener as the person whose token it sends.</summary>
internal sealed class ControlClient : IDisposable
{
    // STYLE 4: HttpClient is banned outside Identity; the CLI is a client of the control API and speaks HTTP to it.
    private readonly HttpClient _http;
    private readonly TokenSource _token;

    internal ControlClient(Uri control, TokenSource token)
    {
        _token = token;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false })
        {
            BaseAddress = control,
            Timeout = TimeSpan.FromSeconds(30),
        };
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

    /// <summary>
    /// Hears events until the stream ends, nothing comes for too long, or <paramref name="hear"/> says false; then why.
    /// </summary>
    internal async Task<ControlAnswer> EventsAsync(
        string path, TimeSpan silenceMax, Func<string, string, ValueTask<bool>> hear, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        using CancellationTokenSource quiet = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            if (await AuthorizeAsync(request, cancellation) is { } unknown) return unknown;
            quiet.CancelAfter(silenceMax);
            using HttpResponseMessage response =
                await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, quiet.Token);
            if (!response.IsSuccessStatusCode) return await ReadAsync(response, quiet.Token);
            await using Stream body = new HeardStream(
                await response.Content.ReadAsStreamAsync(quiet.Token), () => quiet.CancelAfter(silenceMax));
            await foreach (SseItem<string> item in SseParser.Create(body).EnumerateAsync(quiet.Token))
            {
                if (!await hear(item.EventType, item.Data)) break;
            }

            return new ControlAnswer(0, null, "the stream has ended");
        }
        catch (Exception fault) when (IsLost(fault) && !cancellation.IsCancellationRequested)
        {
            return Lost(fault);
        }
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose() => _http.Dispose();

    private async Task<ControlAnswer> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using (request)
        {
            try
            {
                if (await AuthorizeAsync(request, cancellation) is { } unknown) return unknown;
                using HttpResponseMessage response = await _http.SendAsync(request, cancellation);
                return await ReadAsync(response, cancellation);
            }
            catch (Exception fault) when (IsLost(fault) && !cancellation.IsCancellationRequested)
            {
                return Lost(fault);
            }
        }
    }

    private async ValueTask<ControlAnswer?> AuthorizeAsync(
        HttpRequestMessage request, CancellationToken cancellation)
    {
        (string? token, string fault) = await _token(cancellation);
        if (token is null) return new ControlAnswer(0, null, fault);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return null;
    }

    private static async Task<ControlAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        string text = await response.Content.ReadAsStringAsync(cancellation);
        return new ControlAnswer((int)response.StatusCode, Parse(text), text);
    }

    private static bool IsLost(Exception fault) => fault is HttpRequestException or OperationCanceledException
        or IOException;

    private ControlAnswer Lost(Exception fault) => new(
        0, null, $"the control listener at {_http.BaseAddress} cannot be reached: {fault.Message}");

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

    /// <summary>Tells whenever bytes come: a heartbeat is no event, but it shows that somebody is there.</summary>
    private sealed class HeardStream(Stream inner, Action heard) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int bytes = await inner.ReadAsync(buffer, cancellationToken);
            heard();
            return bytes;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
