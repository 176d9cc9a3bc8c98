using System.Text;
using Countersign.Identity.Inbound;
using Countersign.Identity.Outbound;
using Countersign.Kit;
using Countersign.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Bench.Operations;

/// <summary>A verifier with one issuer whose key lies in a file, and a token of it.</summary>
internal sealed class VerifierSetup : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-bench-").FullName;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());
    private readonly TestIssuer _issuer;

    internal VerifierSetup()
    {
        _issuer = new TestIssuer(_folder, TimeProvider.System);
        Verifier = new CallerVerifier([_issuer.Options], null, _http, TimeProvider.System, NullLogger.Instance);
        Token = Encoding.ASCII.GetBytes(_issuer.Token("alice", ["support", "staff"]));
    }

    internal CallerVerifier Verifier { get; }

    internal byte[] Token { get; }

    public async ValueTask DisposeAsync()
    {
        await Verifier.DisposeAsync();
        _http.Dispose();
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A token that was verified before: the usual call's.</summary>
internal sealed class TokenCacheHit : InlineOperation
{
    private readonly VerifierSetup _setup = new();

    protected override void Run()
    {
        TokenStatus status = _setup.Verifier.TryFind(_setup.Token, out Caller? caller);
        Require(status == TokenStatus.Valid && caller is not null);
    }

    internal override async Task PrepareAsync() =>
        Require((await _setup.Verifier.VerifyAsync(_setup.Token, CancellationToken.None)).IsValid);

    protected override ValueTask ReleaseAsync() => _setup.DisposeAsync();
}

/// <summary>
/// A token in full: shape, claims, signature, mapping. Sixteen tokens take turns before a cache of two, so that none is
/// known when it comes again.
/// </summary>
internal sealed class TokenVerify : Operation
{
    private const int Tokens = 16;

    private readonly string _file = Path.GetTempFileName();
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());
    private readonly byte[][] _tokens;
    private readonly CallerVerifier _verifier;

    internal TokenVerify(string algorithm)
    {
        using BenchKey key = new(algorithm);
        File.WriteAllText(_file, key.Jwks);
        _tokens = [.. Enumerable.Range(0, Tokens).Select(key.Token)];
        IssuerOptions issuer = new() { Issuer = BenchKey.Issuer, Audiences = ["gateway"], KeysFile = _file };
        _verifier = new CallerVerifier(
            [issuer], new CallerVerifierLimits { CacheEntriesMax = 2 }, _http, TimeProvider.System,
            NullLogger.Instance);
    }

    // The verifier may finish on another thread.
    internal override bool SpansThreads => true;

    internal override async Task RunAsync(int count)
    {
        for (int turn = 0; turn < count; turn++)
        {
            Require((await _verifier.VerifyAsync(_tokens[turn % Tokens], CancellationToken.None)).IsValid);
        }
    }

    protected override async ValueTask ReleaseAsync()
    {
        await _verifier.DisposeAsync();
        _http.Dispose();
        File.Delete(_file);
    }
}

/// <summary>The credential for one call, written and signed; the caller's name has something to escape.</summary>
internal sealed class CredentialSign : InlineOperation
{
    private readonly SigningAlgorithm _algorithm;
    private readonly SigningKeys _keys;
    private readonly CredentialIssuer _issuer;
    private readonly byte[] _destination = new byte[2_048];
    private readonly Guid _call = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
    private readonly string _digest = "sha256:" + new string('a', 64);
    private readonly Caller _caller =
        new("https://issuer.test", "agent \"seven\"", CallerKind.Agent, ["agents"], ["bob", "alice"]);

    internal CredentialSign(SigningAlgorithm algorithm)
    {
        _algorithm = algorithm;
        _keys = SigningKeys.Create(algorithm);
        _issuer = new CredentialIssuer("http://control.test", SigningKeyRing.Of(_keys), TimeProvider.System);
    }

    protected override void Run()
    {
        LentTerms terms = new()
        {
            Algorithm = _algorithm,
            Audience = "billing",
            Function = "billing.refund",
            Caller = _caller,
            Call = _call,
            TimeToLive = TimeSpan.FromSeconds(30),
            Digest = _digest,
        };
        Require(_issuer.Write(terms, _destination) > 0);
    }

    protected override ValueTask ReleaseAsync()
    {
        _keys.Dispose();
        return default;
    }
}
