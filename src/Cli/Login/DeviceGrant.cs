using Countersign.Policy.Approvals;

namespace Countersign.Cli.Login;

/// <summary>The device authorization grant (RFC 8628): the person approves in a browser, wherever that is.</summary>
internal sealed class DeviceGrant(CommandEnvironment environment, TokenEndpoint provider)
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(5);

    /// <summary>Asks for a code, says where to enter it, and waits; the token answer, or one with the fault.</summary>
    internal async Task<ProviderAnswer> RunAsync(
        string clientId, string scope, string? resource, CancellationToken cancellation)
    {
        Dictionary<string, string> asked = new() { ["client_id"] = clientId };
        if (scope.Length > 0) asked["scope"] = scope;
        if (resource is not null) asked["resource"] = resource;
        ProviderAnswer answer = await provider.PostAsync("device_authorization_endpoint", asked, cancellation);
        if (answer.Fault.Length > 0) return answer;
        string? device = answer.Text("device_code"), user = answer.Text("user_code");
        string? page = answer.Text("verification_uri");
        if (device is null || user is null || page is null)
            return new(null, "", "the identity provider's device answer lacks a code or an address");
        environment.Error.WriteLine($"Open {SafeText.Show(page)} and enter the code {SafeText.Show(user)}");
        if (answer.Text("verification_uri_complete") is { } whole)
            environment.Error.WriteLine($"or open {SafeText.Show(whole)}");
        Dictionary<string, string> form = new()
        {
            ["grant_type"] = "urn:ietf:params:oauth:grant-type:device_code",
            ["device_code"] = device,
            ["client_id"] = clientId,
        };
        if (resource is not null) form["resource"] = resource;
        TimeSpan every = answer.Number("interval") is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : Usual;
        TimeSpan within = TimeSpan.FromSeconds(answer.Number("expires_in") ?? 600);
        return await PollAsync(form, every, within, cancellation);
    }

    private async Task<ProviderAnswer> PollAsync(
        Dictionary<string, string> form, TimeSpan every, TimeSpan within, CancellationToken cancellation)
    {
        long since = environment.Clock.GetTimestamp();
        while (true)
        {
            await Task.Delay(every, environment.Clock, cancellation);
            if (environment.Clock.GetElapsedTime(since) > within)
                return new(null, "", "nobody entered the code in time");
            ProviderAnswer answer = await provider.PostAsync("token_endpoint", form, cancellation);
            switch (answer.Error)
            {
                case "authorization_pending": continue;
                case "slow_down": every += Usual; continue;
                case "access_denied": return answer with { Fault = "the login was refused in the browser" };
                case "expired_token": return answer with { Fault = "nobody entered the code in time" };
                default: break;
            }

            // RFC 8628 section 3.5: no answer at all is tried again, less and less often.
            if (answer.Body is not null) return answer;
            every += every;
        }
    }
}
