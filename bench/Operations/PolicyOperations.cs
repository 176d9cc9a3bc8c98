using System.Buffers;
using System.Globalization;
using System.Text;
using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Bench.Operations;

/// <summary>Finds the function of a method and path and decides for a caller, in a policy of a given size.</summary>
internal sealed class ResolveAndDecide : InlineOperation
{
    // Spread over the whole policy, so that no cache holds just one branch of it; a power of two.
    private const int PathsAsked = 512;

    private readonly PolicySnapshot _snapshot;
    private readonly byte[][] _paths = new byte[PathsAsked][];
    private readonly Caller _caller = new("https://issuer.test", "alice", CallerKind.Human, ["staff"], ["alice"]);
    private int _turn;

    /// <param name="functions">How many functions the policy has.</param>
    /// <param name="isEncoded">The path comes percent-encoded and must be decoded to be compared.</param>
    /// <param name="isPlaced">The functions are of a host, and their parameter of a type.</param>
    internal ResolveAndDecide(int functions, bool isEncoded = false, bool isPlaced = false)
    {
        _snapshot = Compile(functions, isPlaced);
        for (int asked = 0; asked < PathsAsked; asked++)
        {
            int function = (int)((long)asked * functions / PathsAsked);
            string service = "service-" + (function % 97).ToString(CultureInfo.InvariantCulture);
            if (isEncoded) service = service.Replace("-", "%2d", StringComparison.Ordinal);
            string path = $"/{service}/resource-{function}/42/items";
            _paths[asked] = Encoding.ASCII.GetBytes(path);
        }
    }

    protected override void Run()
    {
        byte[] path = _paths[_turn++ & (PathsAsked - 1)];
        Require(_snapshot.TryResolve("API.shop.test:8443"u8, isTls: true, "GET"u8, path, out Function? function));
        Require(_snapshot.Decide(_caller, function!).Effect == Effect.Allow);
    }

    // Straight from its parts: a document may not hold as many functions as the largest size asks for.
    internal static PolicySnapshot Compile(int functions, bool isPlaced, int rules = 0)
    {
        PolicyContent content = new();
        CredentialTerms credential = new(CredentialBroker.None, "up", TimeSpan.FromSeconds(30), TimeSpan.Zero);
        Upstream upstream = new("up", [new Uri("http://upstream.test")], TimeSpan.FromSeconds(30), credential);
        content.Upstreams.Add(upstream);
        for (int index = 0; index < functions; index++)
        {
            string parameter = isPlaced ? "{id:int}" : "{id}";
            string path = $"/service-{index % 97}/resource-{index}/{parameter}/items";
            PathTemplate? template = PathTemplate.Parse(path, out string error);
            Require(template is not null && error.Length == 0);
            Function function = new(index, $"service.f{index}", upstream, "GET", path, Risk.Low, [])
            {
                HostPatterns = isPlaced ? [new HostPattern("shop.test", IsWildcard: true, Port: 8443)] : [],
            };
            content.Functions.Add((function, template!));
        }

        content.Rules.Add(new Rule("no-guests", ["guests"], ["*"], Effect.Deny, null));
        content.Rules.Add(new Rule("staff", ["staff"], ["service.*"], Effect.Allow, null));
        for (int index = 0; index < rules; index++)
        {
            string function = $"service.f{index % functions}";
            content.Rules.Add(new Rule($"rule-{index}", [$"group-{index % 97}"], [function], Effect.Deny, null));
        }

        return new PolicySnapshot(1, new string('0', 64), content);
    }
}

/// <summary>Decides alone, for functions that are found already, in a policy of a given size.</summary>
internal sealed class DecideAlone : InlineOperation
{
    // All are met again before the caches have let go of them; a power of two, and no more than the least size has.
    private const int FunctionsAsked = 8;

    private readonly PolicySnapshot _snapshot;
    private readonly Function[] _functions = new Function[FunctionsAsked];
    private readonly Caller _caller = new("https://issuer.test", "alice", CallerKind.Human, ["staff"], ["alice"]);
    private int _turn;

    /// <param name="functions">How many functions the policy has, and as many rules that each name one of them.</param>
    internal DecideAlone(int functions)
    {
        _snapshot = ResolveAndDecide.Compile(functions, isPlaced: false, rules: functions);
        for (int asked = 0; asked < FunctionsAsked; asked++)
        {
            _functions[asked] = _snapshot.Functions[(int)((long)asked * functions / FunctionsAsked)];
        }
    }

    protected override void Run()
    {
        Function function = _functions[_turn++ & (FunctionsAsked - 1)];
        Require(_snapshot.Decide(_caller, function).Effect == Effect.Allow);
    }
}

/// <summary>The digest of a paused call with a small body.</summary>
internal sealed class DigestOfCall : InlineOperation
{
    private readonly Caller _caller = new("https://issuer.test", "ci-deploy", CallerKind.Ci, ["ci"], ["dave"]);
    private readonly ReadOnlySequence<byte> _body =
        new("""{"amount":120.50,"currency":"EUR","reason":"double charge"}"""u8.ToArray());

    protected override void Run()
    {
        string digest = CallDigest.Compute(new CallParts
        {
            Caller = _caller,
            FunctionId = "billing.refund",
            Method = "POST",
            Target = "/billing/42/refunds"u8,
            ContentType = "application/json"u8,
            Body = _body,
        });
        Require(digest.Length == CallDigest.Characters);
    }
}
