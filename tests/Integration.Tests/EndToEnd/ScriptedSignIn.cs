using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Web;
using ModelContextProtocol.Authentication;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>
/// Stands between an MCP client and the network: answers for an issuer that signs one person in, and notes what the
/// client asked everybody else, and which resources it wanted a token for.
/// </summary>
internal sealed class ScriptedSignIn : DelegatingHandler
{
    private const string Code = "code-1";

    private readonly string _issuer;
    private readonly string _token;

    /// <param name="issuer">For whom it answers.</param>
    /// <param name="token">What the person gets.</param>
    public ScriptedSignIn(string issuer, string token)
        : base(new SocketsHttpHandler { UseProxy = false })
    {
        _issuer = issuer;
        _token = token;
        Options = new ClientOAuthOptions
        {
            RedirectUri = new Uri("http://127.0.0.1/callback"),
            ClientId = "mcp-client",
            AuthServerSelector = servers => servers.Single(server => server.OriginalString == issuer),
            AuthorizationCallbackHandler = (context, _) => Task.FromResult(SignIn(context.AuthorizationUri)),
        };
    }

    /// <summary>What makes an MCP client come here.</summary>
    public ClientOAuthOptions Options { get; }

    /// <summary>The addresses outside the issuer that were asked, in order.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>The <c>resource</c> (RFC 8707) of each request to the issuer.</summary>
    public ConcurrentQueue<string> Resources { get; } = new();

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string address = request.RequestUri!.AbsoluteUri;
        if (!address.StartsWith(_issuer, StringComparison.Ordinal))
        {
            Asked.Enqueue(address);
            return await base.SendAsync(request, cancellationToken);
        }

        if (request.Method == HttpMethod.Get) return Json(Metadata());
        Resources.Enqueue(
            HttpUtility.ParseQueryString(await request.Content!.ReadAsStringAsync(cancellationToken))["resource"]!);
        return Json(new { access_token = _token, token_type = "Bearer", expires_in = 600 });
    }

    private AuthorizationResult? SignIn(Uri authorization)
    {
        var query = HttpUtility.ParseQueryString(authorization.Query);
        Resources.Enqueue(query["resource"]!);
        return new AuthorizationResult { Code = Code, State = query["state"], Iss = _issuer };
    }

    private object Metadata() => new
    {
        issuer = _issuer,
        authorization_endpoint = _issuer + "/authorize",
        token_endpoint = _issuer + "/token",
        response_types_supported = (string[])["code"],
        code_challenge_methods_supported = (string[])["S256"],
        token_endpoint_auth_methods_supported = (string[])["none"],
    };

    private static HttpResponseMessage Json(object body) => new() { Content = JsonContent.Create(body) };
}
