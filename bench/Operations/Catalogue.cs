using Countersign.Policy;

namespace Countersign.Bench.Operations;

/// <summary>One row of the gate and of the benchmarks.</summary>
/// <param name="Name">Its name in <c>baseline.json</c>.</param>
/// <param name="RoundCount">How often one measured round does it.</param>
/// <param name="Create">Sets it up.</param>
internal sealed record CatalogueEntry(string Name, int RoundCount, Func<Operation> Create);

/// <summary>Everything that is measured.</summary>
internal static class Catalogue
{
    private static readonly string[] NoHit = ["iban", "$..secret.value"];
    private static readonly string[] TwoFields = ["ssn", "$..cards[*].number"];

    /// <summary>All of it, in the order of a call.</summary>
    internal static IReadOnlyList<CatalogueEntry> All { get; } =
    [
        new("ParseRequestHead", 20_000, static () => new RequestHeadParse()),
        new("ParseResponseHead", 20_000, static () => new ResponseHeadParse()),
        new("DecodeChunked", 20_000, static () => new ChunkedDecode()),
        new("TokenCacheHit", 20_000, static () => new TokenCacheHit()),
        new("TokenVerify", 500, static () => new TokenVerify("ES256")),
        new("TokenVerifyRs256", 500, static () => new TokenVerify("RS256")),
        new("TokenVerifyPs256", 500, static () => new TokenVerify("PS256")),
        new("TokenVerifyEdDsa", 500, static () => new TokenVerify("EdDSA")),
        new("ResolveDecide10", 20_000, static () => new ResolveAndDecide(functions: 10)),
        new("ResolveDecide1000", 20_000, static () => new ResolveAndDecide(functions: 1_000)),
        new("ResolveDecide100000", 20_000, static () => new ResolveAndDecide(functions: 100_000)),
        new("ResolveDecideEncoded", 20_000, static () => new ResolveAndDecide(functions: 1_000, isEncoded: true)),
        new("ResolveDecidePlaced", 20_000, static () => new ResolveAndDecide(functions: 1_000, isPlaced: true)),
        new("Decide10", 20_000, static () => new DecideAlone(functions: 10)),
        new("Decide1000", 20_000, static () => new DecideAlone(functions: 1_000)),
        new("Decide100000", 20_000, static () => new DecideAlone(functions: 100_000)),
        new("DecideConditions", 5_000, static () => new DecideByConditions(functions: 10)),
        new("DecideOneCondition", 5_000, static () => new DecideByConditions(functions: 10, conditions: 1)),
        new("DecideArguments", 5_000, static () => new DecideByConditions(functions: 10, hasSchema: true)),
        new("DecideConditions1000", 5_000, static () => new DecideByConditions(functions: 1_000)),
        new("CallDigest", 5_000, static () => new DigestOfCall()),
        new("CredentialSign", 1_000, static () => new CredentialSign(SigningAlgorithm.Es256)),
        new("CredentialSignEdDsa", 1_000, static () => new CredentialSign(SigningAlgorithm.EdDsa)),
        new("Mask4KiBNoHit", 5_000, static () => new MaskBody(4_096, NoHit, hits: false)),
        new("Mask4KiBTwoFields", 5_000, static () => new MaskBody(4_096, TwoFields, hits: true)),
        new("Mask64KiBTwoFields", 500, static () => new MaskBody(65_536, TwoFields, hits: true)),
        new("Mask64KiBWholeValues", 300, static () => new MaskWhole(65_536)),
        new("MaskEvents", 5_000, static () => new MaskEvents()),
        new("DetectValues", 2_000, static () => new DetectValues()),
        new("AuditAppend", 10_000, static () => new AuditAppend(countsWriter: false)),
        new("AuditWrite", 20_000, static () => new AuditAppend(countsWriter: true)),
        new("AuditCommit", 100, static () => new AuditCommit()),
        new("SocketRoundTrip", 5_000, static () => new SocketRoundTrip(connections: 1)),
        new("SocketTurns", 500, static () => new SocketRoundTrip(connections: 24)),
        new("WholeCallMasked", 5_000, static () => WholeCall.Masked()),
        new("WholeCallStreamed", 5_000, static () => WholeCall.Streamed()),
        new("WholeCallLimited", 5_000, static () => WholeCall.Limited()),
    ];

    /// <summary>The entry of that name.</summary>
    internal static CatalogueEntry Find(string name) => All.First(entry => entry.Name == name);
}
