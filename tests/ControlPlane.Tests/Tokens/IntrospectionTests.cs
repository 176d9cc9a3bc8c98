using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Policy;
using Countersign.Policy.Revocations;

namespace Countersign.ControlPlane.Tests.Tokens;

/// <summary>POST /oauth/introspect (RFC 7662).</summary>
public sealed class IntrospectionTests : IAsyncLifetime
{
    private const string Start = "gateway-1/0197";
    private const string Owner = "billing-owner:billing+owner secret";

    private static readonly Guid Call = Guid.Parse("0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");

    private readonly HashSet<Guid> _inFlight = [];
    private ControlFixture _gate = null!;

    public async ValueTask InitializeAsync()
    {
        _gate = await ControlFixture.StartAsync();
        await _gate.Lent.ServeAsync(Start, _inFlight.Contains);
    }

    public ValueTask DisposeAsync() => _gate.DisposeAsync();

    [Fact]
    public async Task It_is_active_while_its_call_is_in_flight_and_no_longer()
    {
        // Proves the life of a credential, with its claims while it lives and nothing at all before and after.
        string token = Written();
        Assert.Equal("""{"active":false}""", (await AskAsync(token)).Body);
        _inFlight.Add(Call);
        Answer active = await AskAsync(token);
        Assert.Equal(HttpStatusCode.OK, active.Status);
        Assert.Equal("no-store", active.Message.Headers.CacheControl!.ToString());
        Assert.True(active.Json.GetProperty("active").GetBoolean());
        Assert.Equal("Bearer", active.Json.GetProperty("token_type").GetString());
        Assert.Equal("billing.reset", active.Json.GetProperty("sub").GetString());
        Assert.Equal(Call.ToString(), active.Json.GetProperty("jti").GetString());
        Assert.Equal("bob", active.Json.GetProperty("act").GetProperty("sub").GetString());
        _inFlight.Remove(Call);
        Assert.Equal("""{"active":false}""", (await AskAsync(token)).Body);
    }

    [Fact]
    public async Task It_is_dead_when_it_has_expired_though_its_call_goes_on()
    {
        // Proves the bound by time; by a clock that is moved to the very second, for a call and for a shared one.
        _inFlight.Add(Call);
        string token = Written();
        string shared = Written(gateway: "");
        Assert.True((await AskAsync(shared)).Json.GetProperty("active").GetBoolean());
        _gate.Clock.Advance(TimeSpan.FromSeconds(29));
        Assert.True((await AskAsync(token)).Json.GetProperty("active").GetBoolean());
        _gate.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("""{"active":false}""", (await AskAsync(token)).Body);
        Assert.Equal("""{"active":false}""", (await AskAsync(shared)).Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData(Start)]
    public async Task It_is_dead_when_its_caller_was_revoked(string gateway)
    {
        // Proves that a credential, for a call or for several, ends with whom it was lent for; that another's does not;
        // and that one lent after the revocation, for a token of after it, is good.
        _inFlight.Add(Call);
        string token = Written(gateway: gateway);
        await RevokeAsync("somebody-else");
        Assert.True((await AskAsync(token)).Json.GetProperty("active").GetBoolean());
        await RevokeAsync("bob");
        Assert.Equal("""{"active":false}""", (await AskAsync(token)).Body);
        _gate.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True((await AskAsync(Written(gateway: gateway))).Json.GetProperty("active").GetBoolean());
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(Start, false)]
    [InlineData("", true)]
    [InlineData(Start, true)]
    public async Task It_is_dead_when_the_token_it_was_lent_for_was_revoked(string gateway, bool isChild)
    {
        // Proves it by the token's hash, where the subject goes on: a credential for a call or for several that was
        // lent for this token is dead, one for another token of theirs is good, and one that was lent for a token which
        // the gateway gave for it is dead too.
        _inFlight.Add(Call);
        string parent = _gate.Token("ann", "support");
        string token = parent;
        if (isChild)
        {
            GatewayTokenTerms terms = new(
                (await _gate.Callers.VerifyAsync(Encoding.ASCII.GetBytes(parent), Cancel)).Caller!,
                _gate.Clock.GetUtcNow().AddMinutes(5))
            {
                Ancestors = [GatewayTokens.HashOf(Encoding.ASCII.GetBytes(parent))],
            };
            token = new GatewayTokens(() => _gate.Address, _gate.Ring, _gate.Clock).Write(terms)!.Text;
        }

        string lent = Written(gateway: gateway, caller: await CallerOfAsync(token));
        string other = Written(gateway: gateway, caller: await CallerOfAsync(_gate.Token("ann", "support", "more")));
        Assert.True((await AskAsync(lent)).Json.GetProperty("active").GetBoolean());
        await _gate.Revocations.AddAsync(new Revocation(
            RevocationKind.Token, "", GatewayTokens.HashOf(Encoding.ASCII.GetBytes(parent)), _gate.Clock.GetUtcNow(),
            _gate.Clock.GetUtcNow().AddHours(1), "", ""));
        Assert.Equal("""{"active":false}""", (await AskAsync(lent)).Body);
        Assert.True((await AskAsync(other)).Json.GetProperty("active").GetBoolean());
    }

    [Fact]
    public async Task A_gateway_that_is_gone_vouches_for_nothing_and_a_store_that_is_away_is_said()
    {
        // Proves that no answer is no, and that the endpoint does not lie when it could not ask.
        _inFlight.Add(Call);
        Assert.Equal("""{"active":false}""", (await AskAsync(Written(gateway: "gone/1"))).Body);
        _gate.Lent.IsAway = true;
        Answer away = await AskAsync(Written());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "store-unavailable"), (away.Status, away.Problem));
    }

    [Fact]
    public async Task An_owner_is_told_of_its_own_audiences_only()
    {
        // Proves RFC 7662 section 4: who asks for what is not theirs learns nothing, and a member of the groups all.
        _inFlight.Add(Call);
        string token = Written();
        Assert.Equal("""{"active":false}""", (await AskAsync(token, "people-owner:people-owner-secret")).Body);
        Assert.True((await AskAsync(Written("people"), "people-owner:people-owner-secret"))
            .Json.GetProperty("active").GetBoolean());
        Answer member = await PostAsync(
            token, new("Bearer", _gate.Token("owner-bot", "function-owners")));
        Assert.True(member.Json.GetProperty("active").GetBoolean());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Basic")]
    [InlineData("Basic ***")]
    [InlineData("Basic billing-owner")]
    [InlineData("Basic billing-owner:")]
    [InlineData("Basic billing-owner:people-owner-secret")]
    [InlineData("Basic people-owner:billing+owner secret")]
    [InlineData("Basic :billing+owner secret")]
    [InlineData("Bearer stranger")]
    [InlineData("Bearer nonsense")]
    public async Task Nobody_else_may_ask(string? authorization)
    {
        // Proves that nothing, rubbish, another's secret, a caller outside of the groups and the credential itself are
        // refused, with both challenges.
        _inFlight.Add(Call);
        AuthenticationHeaderValue? field = authorization switch
        {
            null => null,
            "Bearer stranger" => new("Bearer", _gate.Token("stranger-bot", "support")),
            _ when authorization.Contains(':', StringComparison.Ordinal) => new(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(authorization["Basic ".Length..]))),
            _ => AuthenticationHeaderValue.Parse(authorization),
        };
        Answer refused = await PostAsync(Written(), field);
        Assert.Equal((HttpStatusCode.Unauthorized, "unauthenticated"), (refused.Status, refused.Problem));
        Assert.Equal(["Basic", "Bearer"], refused.Message.Headers.WwwAuthenticate.Select(one => one.Scheme));
    }

    [Fact]
    public async Task The_credential_itself_is_no_key_to_the_endpoint()
    {
        // Proves that whoever found a credential cannot ask with it.
        _inFlight.Add(Call);
        string token = Written();
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(token, new("Bearer", token))).Status);
    }

    [Fact]
    public async Task A_secret_is_taken_as_it_is_and_as_a_form_writes_it()
    {
        // Proves RFC 6749 section 2.3.1 and what clients do instead; by a secret with a plus and a space.
        _inFlight.Add(Call);
        string encoded = "billing-owner:" + WebUtility.UrlEncode("billing+owner secret");
        Assert.True((await AskAsync(Written(), encoded)).Json.GetProperty("active").GetBoolean());
        Assert.True((await AskAsync(Written(), Owner)).Json.GetProperty("active").GetBoolean());
    }

    [Fact]
    public async Task What_was_changed_is_dead()
    {
        // Proves that a token with any one character changed, another issuer's, one of a stranger's key, one with a
        // tail, and rubbish are not active and not a fault.
        _inFlight.Add(Call);
        string token = Written();
        for (int at = 0; at < token.Length; at += 7)
        {
            char other = token[at] == 'A' ? 'B' : 'A';
            string changed = token[..at] + other + token[(at + 1)..];
            Assert.Equal("""{"active":false}""", (await AskAsync(changed)).Body);
        }

        using SigningKeys stranger = SigningKeys.Create();
        string[] wrong =
        [
            Written(issuer: "http://elsewhere.test"), Written(ring: SigningKeyRing.Of(stranger)),
            token + ".", token + "=",
            token + "A", "." + token, "..", "a.b.c", "x", "é", token[..token.LastIndexOf('.')],
        ];
        foreach (string one in wrong) Assert.Equal("""{"active":false}""", (await AskAsync(one)).Body);
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "")]
    [InlineData("application/x-www-form-urlencoded", "token=")]
    [InlineData("application/x-www-form-urlencoded", "token=a&token=b")]
    [InlineData("application/x-www-form-urlencoded", "token_type_hint=access_token")]
    [InlineData("application/json", """{"token":"a"}""")]
    public async Task What_asks_nothing_is_invalid(string type, string body)
    {
        // Proves the errors of RFC 6749 section 5.2.
        Answer refused = await SendAsync(body, type, Basic(Owner));
        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.Equal("invalid_request", refused.Json.GetProperty("error").GetString());
    }

    [Fact]
    public async Task What_is_too_large_is_invalid()
    {
        // Proves the bound, and that more fields than anybody sends are no fault; by a body of 80 KiB and 2,000 fields.
        string large = "token=" + new string('a', 80 * 1024);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(large, FormType, Basic(Owner))).Status);
        string many = string.Join('&', Enumerable.Range(0, 2_000).Select(at => $"f{at}=1"));
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(many, FormType, Basic(Owner))).Status);
    }

    private const string FormType = "application/x-www-form-urlencoded";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task<Caller> CallerOfAsync(string token)
    {
        TokenVerification verified = await _gate.Callers.VerifyAsync(Encoding.ASCII.GetBytes(token), Cancel);
        Assert.Equal("", verified.Because);
        return verified.Caller!;
    }

    private ValueTask<StoreStatus> RevokeAsync(string subject) => _gate.Revocations.AddAsync(new Revocation(
        RevocationKind.Subject, "https://issuer.test", subject, _gate.Clock.GetUtcNow(),
        _gate.Clock.GetUtcNow().AddHours(1), "", ""));

    private static AuthenticationHeaderValue Basic(string pair) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));

    private Task<Answer> AskAsync(string token, string owner = Owner) => PostAsync(token, Basic(owner));

    private Task<Answer> PostAsync(string token, AuthenticationHeaderValue? authorization) =>
        SendAsync("token=" + Uri.EscapeDataString(token), FormType, authorization);

    private Task<Answer> SendAsync(string body, string type, AuthenticationHeaderValue? authorization)
    {
        HttpRequestMessage request = new(HttpMethod.Post, _gate.Address + "/oauth/introspect")
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        request.Headers.Authorization = authorization;
        return _gate.SendAsync(request);
    }

    private string Written(
        string audience = "billing", string gateway = Start, string? issuer = null, SigningKeyRing? ring = null,
        Caller? caller = null)
    {
        LentTerms terms = new()
        {
            Audience = audience,
            Function = "billing.reset",
            Caller = caller ?? new Caller("https://issuer.test", "bob", CallerKind.Agent, ["agents"], ["bob", "carol"]),
            Call = Call,
            Gateway = gateway,
            TimeToLive = TimeSpan.FromSeconds(30),
        };
        byte[] space = new byte[4_096];
        int length = new CredentialIssuer(issuer ?? _gate.Address, ring ?? _gate.Ring, _gate.Clock)
            .Write(terms, space);
        return Encoding.ASCII.GetString(space, 0, length);
    }
}
