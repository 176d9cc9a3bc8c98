using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Countersign.Identity.Inbound.SignIn;

/// <summary>Where one issuer's endpoints are, and how its clients say who they are.</summary>
/// <param name="Authorization">Where people are sent.</param>
/// <param name="Token">Where codes are redeemed.</param>
/// <param name="IsSecretInBody">True for an issuer that takes the secret in the body alone.</param>
/// <param name="NamesItself">True for an issuer that says it answers with <c>iss</c> (RFC 9207).</param>
internal sealed record SignInEndpoints(string Authorization, string Token, bool IsSecretInBody, bool NamesItself);

/// <summary>One client's issuer: its endpoints, discovered when they are first needed and again now and
/// then.</summary>
internal sealed class SignInProvider(
    SignInClient client, HttpMessageInvoker http, TimeProvider clock, ILogger logger)
{
    private const int DocumentBytesMax = 1024 * 1024;

    private static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);

    private readonly KeyDocuments _documents = new(http, DocumentBytesMax);
    private Known? _known;

    public SignInClient Client => client;

    /// <summary>The endpoints; null when the issuer cannot be reached or is not what it should be.</summary>
    public async ValueTask<SignInEndpoints?> EndpointsAsync(CancellationToken cancel)
    {
        if (client.AuthorizationEndpoint is { } authorization)
            return new SignInEndpoints(authorization, client.TokenEndpoint!, false, false);
        Known? known = Volatile.Read(ref _known);
        if (known is not null && clock.GetElapsedTime(known.At) < FreshFor) return known.Endpoints;

        // An issuer that is away for a moment is still where it was.
        SignInEndpoints? found = await DiscoverAsync(cancel).ConfigureAwait(false);
        if (found is null) return known?.Endpoints;
        Volatile.Write(ref _known, new Known(found, clock.GetTimestamp()));
        return found;
    }

    private async ValueTask<SignInEndpoints?> DiscoverAsync(CancellationToken cancel)
    {
        using CancellationTokenSource late = new(FetchTimeout, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancel);
        try
        {
            OpenIdConnectConfiguration found = await OpenIdConnectConfigurationRetriever
                .GetAsync(client.Issuer.DiscoveryAddress, _documents, either.Token).ConfigureAwait(false);
            bool isSound = string.Equals(found.Issuer, client.Issuer.Issuer, StringComparison.Ordinal)
                && KeyDocuments.IsFetchable(found.AuthorizationEndpoint ?? "")
                && KeyDocuments.IsFetchable(found.TokenEndpoint ?? "");
            if (isSound) return Read(found);
            SignInLog.NotDiscovered(logger, client.Issuer.Issuer, "it has no code flow, or names another issuer");
        }
#pragma warning disable CA1031 // Whatever the network, the issuer or the library throws, nobody signs in by it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            cancel.ThrowIfCancellationRequested();
            string why = late.IsCancellationRequested ? "timed out" : fault.InnerException?.Message ?? fault.Message;
            SignInLog.NotDiscovered(logger, client.Issuer.Issuer, why);
        }

        return null;
    }

    // RFC 8414 section 2: who lists no methods takes the secret as HTTP Basic.
    private static SignInEndpoints Read(OpenIdConnectConfiguration found)
    {
        ICollection<string> methods = found.TokenEndpointAuthMethodsSupported;
        bool isInBody = methods.Count > 0 && !methods.Contains("client_secret_basic")
            && methods.Contains("client_secret_post");
        return new SignInEndpoints(
            found.AuthorizationEndpoint, found.TokenEndpoint, isInBody,
            found.AuthorizationResponseIssParameterSupported);
    }

    private sealed record Known(SignInEndpoints Endpoints, long At);
}

/// <summary>What signing in tells operators; never a code, a token or a secret.</summary>
internal static partial class SignInLog
{
    [LoggerMessage(EventId = 20, Level = LogLevel.Warning, Message = "Nobody can sign in by {Issuer}: {Why}")]
    public static partial void NotDiscovered(ILogger logger, string issuer, string why);

    [LoggerMessage(EventId = 21, Level = LogLevel.Warning, Message = "{Issuer} did not redeem a sign-in: {Why}")]
    public static partial void NotRedeemed(ILogger logger, string issuer, string why);
}
