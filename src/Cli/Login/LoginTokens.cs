namespace Countersign.Cli.Login;

/// <summary>The token of a login, renewed when it is about to expire: by one process at a time, since many providers
/// take a refresh token once.</summary>
internal sealed class LoginTokens(LoginFolder logins, Uri control, TimeProvider clock)
{
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LockEvery = TimeSpan.FromMilliseconds(100);
    private const int LockTriesMax = 100;

    private const string LogInAnew = "log in anew with countersign login";

    /// <summary>A token that is good, or why there is none.</summary>
    internal async ValueTask<(string? Token, string Fault)> GetAsync(CancellationToken cancellation)
    {
        try
        {
            StoredLogin? login = logins.Find(control);
            if (login is null) return (null, "there is no login: " + LogInAnew);
            return IsGood(login) ? (login.Token, "") : await RenewAsync(cancellation);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return (null, fault.Message);
        }
    }

    /// <summary>What a token answer holds, as a login; null, and why, where that is no token.</summary>
    internal static StoredLogin? Read(
        ProviderAnswer answer, StoredLogin before, DateTimeOffset now, out string fault)
    {
        string name = before.UsesIdToken ? "id_token" : "access_token";
        string? token = answer.Text(name);
        fault = token is null ? $"the identity provider gave no {name}" : "";
        if (token is null) return null;
        return before with
        {
            Token = token,
            ExpiresAt = answer.Number("expires_in") is { } seconds ? now.AddSeconds(seconds) : null,
            RefreshToken = answer.Text("refresh_token") ?? before.RefreshToken,
        };
    }

    private async ValueTask<(string? Token, string Fault)> RenewAsync(CancellationToken cancellation)
    {
        using FileStream? held = await LockAsync(cancellation);
        if (held is null) return (null, "another process keeps renewing the login");

        // Somebody else may have renewed it while this one waited.
        StoredLogin? login = logins.Find(control);
        if (login is null) return (null, "there is no login: " + LogInAnew);
        if (IsGood(login)) return (login.Token, "");
        if (login.RefreshToken is not { } refresh) return (null, "your login has expired: " + LogInAnew);
        using TokenEndpoint provider = new();
        string fault = await provider.DiscoverAsync(login.Issuer, cancellation);
        if (fault.Length > 0) return (null, fault);
        Dictionary<string, string> form = new()
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = refresh,
            ["client_id"] = login.ClientId,
        };
        ProviderAnswer answer = await provider.PostAsync("token_endpoint", form, cancellation);
        if (answer.Fault.Length > 0) return (null, $"your login cannot be renewed: {answer.Fault}; {LogInAnew}");
        if (Read(answer, login, clock.GetUtcNow(), out fault) is not { } renewed) return (null, fault);
        logins.Keep(control, renewed);
        return (renewed.Token, "");
    }

    private async ValueTask<FileStream?> LockAsync(CancellationToken cancellation)
    {
        for (int tries = 0; tries < LockTriesMax; tries++)
        {
            if (logins.TryLock() is { } held) return held;
            await Task.Delay(LockEvery, clock, cancellation);
        }

        return null;
    }

    private bool IsGood(StoredLogin login) =>
        login.ExpiresAt is not { } at || clock.GetUtcNow() + Early < at;
}
