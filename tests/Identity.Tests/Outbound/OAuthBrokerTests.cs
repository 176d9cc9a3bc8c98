using System.Text;
using Countersign.Identity.Outbound;
using Countersign.Identity.Outbound.Brokers;
using Countersign.Policy;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Countersign.Identity.Tests.Outbound;

public sealed class OAuthBrokerTests : IDisposable
{
    private const string Good = """{"access_token":"at-1","token_type":"Bearer","expires_in":300}""";

    private static readonly OAuthClient Client = new(
        "idp", new Uri("https://idp.test/token"), "gate:way", Encoding.UTF8.GetBytes("s+cret"));

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ScriptedServer _server = new();
    private readonly BrokerHttp _http;

    public OAuthBrokerTests()
    {
        _http = new BrokerHttp(_server);
        int count = 0;
        _server.Script = _ => Task.FromResult(ScriptedServer.Answer(
            200, Good.Replace("at-1", "at-" + Interlocked.Increment(ref count), StringComparison.Ordinal)));
    }

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task TheGatewaysOwnTokenIsAskedForAsTheRfcSays()
    {
        // Proves the request of RFC 6749 section 4.4 and the client's authentication, encoded as section 2.3.1 says.
        using OAuthBroker broker = Broker(CredentialBroker.OAuth);
        Assert.Equal("at-1", await LentAsync(broker, Request(Terms(CredentialBroker.OAuth))));
        Asked asked = Assert.Single(_server.Requests);
        Assert.Equal(("POST", "/token"), (asked.Method, asked.Path));
        Assert.Equal("scope=a+b&grant_type=client_credentials&audience=billing", asked.Body);
        string pair = Encoding.ASCII.GetString(Convert.FromBase64String(asked.Fields["Authorization"][6..]));
        Assert.Equal("gate%3Away:s%2Bcret", pair);
    }

    [Fact]
    public async Task ItIsKeptUntilShortlyBeforeItExpiresAndFetchedOnce()
    {
        // Proves cache and single flight; by a hundred calls at once, then by the clock.
        using OAuthBroker broker = Broker(CredentialBroker.OAuth);
        LendRequest request = Request(Terms(CredentialBroker.OAuth));
        string[] lent = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => LentAsync(broker, request)));
        Assert.All(lent, one => Assert.Equal("at-1", one));
        _clock.Advance(TimeSpan.FromSeconds(289));
        Assert.Equal("at-1", await LentAsync(broker, request));
        Assert.Single(_server.Requests);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("at-2", await LentAsync(broker, request));
    }

    [Theory]
    [InlineData(CredentialBroker.OAuth, Risk.Low, 1)]
    [InlineData(CredentialBroker.OAuth, Risk.Medium, 1)]
    [InlineData(CredentialBroker.OAuth, Risk.High, 2)]
    [InlineData(CredentialBroker.OAuth, Risk.Critical, 2)]
    [InlineData(CredentialBroker.Exchange, Risk.Low, 1)]
    [InlineData(CredentialBroker.Exchange, Risk.Medium, 2)]
    [InlineData(CredentialBroker.Exchange, Risk.High, 2)]
    public async Task HighAndCriticalCallsGetOneOfTheirOwn(CredentialBroker kind, Risk risk, int fetches)
    {
        // Proves for what risk a token is shared; by two calls and the count of requests.
        using OAuthBroker broker = Broker(kind);
        for (int call = 0; call < 2; call++) await LentAsync(broker, Request(Terms(kind)) with { Risk = risk });
        Assert.Equal(fetches, _server.Requests.Count);
    }

    [Fact]
    public async Task TheCallersTokenIsExchangedForTheCallerAlone()
    {
        // Proves the request of RFC 8693 section 2.1, and that neither two callers, nor two tokens of one, nor two
        // functions share what came of it.
        using OAuthBroker broker = Broker(CredentialBroker.Exchange);
        LendRequest first = Request(Terms(CredentialBroker.Exchange));
        Assert.Equal("at-1", await LentAsync(broker, first));
        Assert.Contains("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange",
            _server.Requests.First().Body, StringComparison.Ordinal);
        Assert.Contains("subject_token=caller-token&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A"
            + "access_token", _server.Requests.First().Body, StringComparison.Ordinal);
        Assert.Equal("at-2", await LentAsync(broker, first with { CallerToken = "other-token"u8.ToArray() }));
        Assert.Equal("at-3", await LentAsync(broker, first with { Function = "billing.other" }));
        Assert.Equal("at-1", await LentAsync(broker, first));
        Lending absent = await broker.LendAsync(first with { CallerToken = default }, CancellationToken.None);
        Assert.Null(absent.Secret);
    }

    [Fact]
    public async Task TheGatewaysWordIsExchangedForWhoeverCalls()
    {
        // Proves that the assertion is for the endpoint, and that callers of one name but other chains share nothing,
        // nor two tokens of one caller: what was given for one that is revoked is lent no more.
        using OAuthBroker broker = Broker(CredentialBroker.Exchange);
        List<string> audiences = [];
        LendRequest request = Request(Terms(CredentialBroker.Exchange) with { ExchangesCaller = false }) with
        {
            CallerToken = default,
            Assert = audience =>
            {
                audiences.Add(audience);
                return "gateway-word"u8.ToArray();
            },
        };
        await LentAsync(broker, request);
        Assert.Contains("subject_token=gateway-word&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt",
            Assert.Single(_server.Requests).Body, StringComparison.Ordinal);
        Assert.Equal(["https://idp.test/token"], audiences);
        Caller acted = new("https://issuer.test", "bob", CallerKind.Agent, ["agents"], ["bob", "carol"]);
        Assert.Equal("at-2", await LentAsync(broker, request with { Caller = acted }));
        Caller byOne = acted.ProvenBy(["one"], 0), byTwo = acted.ProvenBy(["two"], 0);
        Assert.Equal("at-3", await LentAsync(broker, request with { Caller = byOne }));
        Assert.Equal("at-4", await LentAsync(broker, request with { Caller = byTwo }));
        Assert.Equal("at-3", await LentAsync(broker, request with { Caller = byOne }));
        Lending none = await broker.LendAsync(request with { Assert = _ => null }, CancellationToken.None);
        Assert.Null(none.Secret);
    }

    [Theory]
    [InlineData(200, "")]
    [InlineData(200, "nonsense")]
    [InlineData(200, "[]")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"access_token":"at"}""")]
    [InlineData(200, """{"access_token":"","token_type":"Bearer"}""")]
    [InlineData(200, """{"access_token":7,"token_type":"Bearer"}""")]
    [InlineData(200, """{"access_token":"a b","token_type":"Bearer"}""")]
    [InlineData(200, """{"access_token":"a\r\nX: y","token_type":"Bearer"}""")]
    [InlineData(200, """{"access_token":"at","token_type":"DPoP"}""")]
    [InlineData(200, """{"access_token":"at","token_type":"Bearer","expires_in":0}""")]
    [InlineData(200, """{"access_token":"at","token_type":"Bearer","expires_in":-5}""")]
    [InlineData(200, """{"access_token":"at","token_type":"Bearer","expires_in":"soon"}""")]
    [InlineData(201, Good)]
    [InlineData(302, Good)]
    [InlineData(400, """{"error":"invalid_grant","error_description":"secret thing"}""")]
    [InlineData(401, """{"error":"<script>alert(1)</script>"}""")]
    [InlineData(500, "down")]
    [InlineData(503, Good)]
    public async Task WhateverElseIsAnsweredIsNoCredential(int status, string body)
    {
        // Proves that a failing endpoint gives nothing, is told by nothing that it could have chosen freely, and is not
        // remembered: the next call asks again.
        using OAuthBroker broker = Broker(CredentialBroker.OAuth);
        _server.Script = _ => Task.FromResult(ScriptedServer.Answer(status, body));
        LendRequest request = Request(Terms(CredentialBroker.OAuth));
        Lending lending = await broker.LendAsync(request, CancellationToken.None);
        Assert.Null(lending.Secret);
        Assert.StartsWith("the token endpoint of 'idp' ", lending.Fault, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", lending.Fault, StringComparison.Ordinal);
        Assert.DoesNotContain("<", lending.Fault, StringComparison.Ordinal);
        await broker.LendAsync(request, CancellationToken.None);
        Assert.Equal(2, _server.Requests.Count);
    }

    [Theory]
    [InlineData("oversize")]
    [InlineData("unreachable")]
    [InlineData("broken")]
    public async Task AnEndpointThatCannotBeReadIsNoCredential(string how)
    {
        // Proves the bound on what is read, and that the network's failures are failures.
        using OAuthBroker broker = Broker(CredentialBroker.OAuth);
        _server.Script = how switch
        {
            "oversize" => _ => Task.FromResult(ScriptedServer.Answer(200, Good + new string(' ', 300_000))),
            "broken" => _ => throw new IOException("reset"),
            _ => _ => throw new HttpRequestException("refused"),
        };
        Lending lending = await broker.LendAsync(Request(Terms(CredentialBroker.OAuth)), CancellationToken.None);
        Assert.Null(lending.Secret);
        Assert.StartsWith("the token endpoint of 'idp' ", lending.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnEndpointThatDoesNotAnswerIsGivenUpInTime()
    {
        // Proves the timeout, for one who waits and for those who wait with them; by an endpoint that never answers.
        using OAuthBroker broker = Broker(CredentialBroker.OAuth);
        _server.Script = _ => new TaskCompletionSource<HttpResponseMessage>().Task;
        CredentialBrokers brokers = new(
            new Dictionary<string, ICredentialBroker> { ["idp"] = broker }, TimeSpan.FromSeconds(5), _clock);
        LendRequest request = Request(Terms(CredentialBroker.OAuth));
        Task<Lending>[] waiting = [.. Enumerable.Range(0, 3).Select(_ => brokers.LendAsync(request).AsTask())];
        _clock.Advance(TimeSpan.FromSeconds(5));
        foreach (Lending lending in await Task.WhenAll(waiting))
        {
            Assert.Null(lending.Secret);
            Assert.Contains("in time", lending.Fault, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OnlyTheBrokerThatThePolicyMeansIsAsked()
    {
        // Proves that a name that is not configured, and one of another kind, are no credential.
        using OAuthBroker broker = Broker(CredentialBroker.OAuth);
        CredentialBrokers brokers = new(
            new Dictionary<string, ICredentialBroker> { ["idp"] = broker }, TimeSpan.FromSeconds(5), _clock);
        CredentialTerms terms = Terms(CredentialBroker.OAuth);
        Assert.Null((await brokers.LendAsync(Request(terms with { From = "none" }))).Secret);
        Assert.Null((await brokers.LendAsync(Request(terms with { Broker = CredentialBroker.Static }))).Secret);
        Assert.Empty(_server.Requests);
        Assert.NotNull((await brokers.LendAsync(Request(terms))).Secret);
    }

    [Fact]
    public async Task AStaticSecretGoesNowhereButToItsEndpoints()
    {
        // Proves that whoever writes policy cannot send it elsewhere, that it is lent as a copy, and that a copy is
        // wiped without harm to the secret.
        Uri mine = new("https://crm.test"), other = new("https://evil.test");
        using StaticBroker broker = new("crm", [("token", "k-1"u8.ToArray())], [mine]);
        LendRequest request = Request(Terms(CredentialBroker.Static)) with { Endpoints = [mine] };
        LentSecret secret = (await broker.LendAsync(request, CancellationToken.None)).Secret!;
        Assert.Equal("k-1", Encoding.ASCII.GetString(secret.Field("token")));
        Assert.Equal("static:crm", secret.Id);
        ReadOnlySpan<byte> field = secret.Field("token");
        secret.Dispose();
        Assert.Equal(new byte[3], field.ToArray());
        Assert.Equal("k-1", await LentAsync(broker, request));
        Lending refused = await broker.LendAsync(request with { Endpoints = [mine, other] }, CancellationToken.None);
        Assert.Null(refused.Secret);
    }

    internal static CredentialTerms Terms(CredentialBroker kind) =>
        new(kind, "billing", TimeSpan.FromSeconds(30), TimeSpan.Zero)
        {
            From = "idp", Scope = "a b", ExchangesCaller = kind == CredentialBroker.Exchange,
        };

    internal static LendRequest Request(CredentialTerms terms) => new()
    {
        Terms = terms,
        Function = "billing.get",
        Risk = Risk.Low,
        Caller = new Caller("https://issuer.test", "bob", CallerKind.Human, ["support"], ["bob"]),
        Call = Guid.Parse("0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"),
        Endpoints = [new Uri("https://billing.test")],
        CallerToken = "caller-token"u8.ToArray(),
        Assert = _ => "unasked"u8.ToArray(),
    };

    internal static async Task<string> LentAsync(ICredentialBroker broker, LendRequest request)
    {
        Lending lending = await broker.LendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal("", lending.Fault);
        using LentSecret secret = lending.Secret!;
        return Encoding.ASCII.GetString(secret.Field("token"));
    }

    private OAuthBroker Broker(CredentialBroker kind) => new(kind, Client, _http, TimeSpan.FromSeconds(5), _clock);
}
