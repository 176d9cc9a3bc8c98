using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Identity.Outbound.Brokers;

/// <summary>Speaks a vault's HTTP API, logged in as long as need be.</summary>
internal sealed class VaultClient(VaultOptions options, BrokerHttp http, TimeProvider clock) : IDisposable
{
    private const int TokenCharactersMax = 4_096;

    private readonly SemaphoreSlim _login = new(1);
    private string? _token;
    private long _goodUntil;

    /// <summary>Asks; logs in first where that is due, and once more where the token is not taken any more.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path below <c>/v1/</c>.</param>
    /// <param name="body">JSON, or null.</param>
    /// <param name="wrapFor">How long a wrapping token lives; null asks for none.</param>
    /// <param name="cancellation">Gives up.</param>
    internal async ValueTask<BrokerAnswer> AskAsync(
        HttpMethod method, string path, byte[]? body, TimeSpan? wrapFor, CancellationToken cancellation)
    {
        for (int turn = 0; ; turn++)
        {
            (string? token, string fault) = await TokenAsync(cancellation);
            if (token is null) return new BrokerAnswer(0, [], fault);
            BrokerAnswer answer = await SendAsync(method, path, body, token, wrapFor, cancellation);
            if (answer.Status != 403 || turn > 0 || options.Login == VaultLogin.Token) return answer;
            Volatile.Write(ref _goodUntil, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _login.Dispose();

    private async ValueTask<(string? Token, string Fault)> TokenAsync(CancellationToken cancellation)
    {
        if (options.Login == VaultLogin.Token)
        {
            string? given = TextOf(options.Credential());
            return given is null ? (null, "has no token to show") : (given, "");
        }

        if (clock.GetTimestamp() < Volatile.Read(ref _goodUntil)) return (_token, "");
        await _login.WaitAsync(cancellation);
        try
        {
            if (clock.GetTimestamp() < Volatile.Read(ref _goodUntil)) return (_token, "");
            return await LogInAsync(cancellation);
        }
        finally
        {
            _login.Release();
        }
    }

    private async ValueTask<(string? Token, string Fault)> LogInAsync(CancellationToken cancellation)
    {
        if (TextOf(options.Credential()) is not { } secret) return (null, "has no secret to log in with");
        bool isRole = options.Login == VaultLogin.AppRole;
        string mount = options.Mount.Length > 0 ? options.Mount : isRole ? "approle" : "kubernetes";
        byte[] body = Body(isRole ? "role_id" : "role", options.Role, isRole ? "secret_id" : "jwt", secret);
        BrokerAnswer answer = await SendAsync(
            HttpMethod.Post, $"auth/{mount}/login", body, null, null, cancellation);
        CryptographicOperations.ZeroMemory(body);
        if (answer.Fault.Length > 0) return (null, answer.Fault);
        try
        {
            if (answer.Status != 200) return (null, $"refused the login with {answer.Status}");
            using JsonDocument document = JsonDocument.Parse(answer.Body);
            JsonElement auth = document.RootElement.GetProperty("auth");
            string token = auth.GetProperty("client_token").GetString() ?? "";
            double seconds = auth.GetProperty("lease_duration").GetDouble();
            if (!IsToken(token)) return (null, "gave no token to the login");
            _token = token;

            // A duration of 0 is a token that does not expire; it is asked for anew now and then all the same.
            double good = seconds <= 0 ? 3_600 : seconds * 0.9;
            Volatile.Write(ref _goodUntil, clock.GetTimestamp() + (long)(good * clock.TimestampFrequency));
            return (token, "");
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return (null, "answered the login with nothing that can be read");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(answer.Body);
        }
    }

    private async ValueTask<BrokerAnswer> SendAsync(
        HttpMethod method, string path, byte[]? body, string? token, TimeSpan? wrapFor,
        CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(method, new Uri(options.Address, "/v1/" + path));
        request.Headers.TryAddWithoutValidation("X-Vault-Request", "true");
        if (token is not null) request.Headers.TryAddWithoutValidation("X-Vault-Token", token);
        if (options.Namespace.Length > 0)
            request.Headers.TryAddWithoutValidation("X-Vault-Namespace", options.Namespace);
        if (wrapFor is { } wrapped)
            request.Headers.TryAddWithoutValidation("X-Vault-Wrap-TTL", $"{(long)wrapped.TotalSeconds}s");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new("application/json");
        }

        return await http.SendAsync(request, cancellation);
    }

    internal static byte[] Body(string firstName, string first, string? secondName = null, string? second = null)
    {
        ArrayBufferWriter<byte> body = new(256);
        using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            json.WriteString(firstName, first);
            if (secondName is not null) json.WriteString(secondName, second);
            json.WriteEndObject();
        }

        return body.WrittenSpan.ToArray();
    }

    private static string? TextOf(byte[]? secret)
    {
        if (secret is null) return null;
        string text = Encoding.UTF8.GetString(secret);
        CryptographicOperations.ZeroMemory(secret);
        return IsToken(text) ? text : null;
    }

    private static bool IsToken(string text) => text.Length is > 0 and <= TokenCharactersMax
        && !text.AsSpan().ContainsAnyExceptInRange('!', '~');
}
