using BenchmarkDotNet.Attributes;
using Countersign.Bench.Operations;

namespace Countersign.Bench;

/// <summary>
/// Times the operations of one area. Public and not sealed, as all here: BenchmarkDotNet derives from what it measures.
/// </summary>
[MemoryDiagnoser]
public abstract class OperationBenchmark
{
    private const int Turns = 64;
    private Operation? _operation;

    /// <summary>The area's operations, as the catalogue names them.</summary>
    public abstract IEnumerable<string> Names { get; }

    /// <summary>The operation that is measured now.</summary>
    [ParamsSource(nameof(Names))]
    public string Operation { get; set; } = "";

    /// <summary>Sets the operation up.</summary>
    [GlobalSetup]
    public async Task BeginAsync()
    {
        _operation = Catalogue.Find(Operation).Create();
        await _operation.PrepareAsync();
    }

    /// <summary>Does it.</summary>
    [Benchmark(OperationsPerInvoke = Turns)]
    public Task RunAsync() => _operation!.RunAsync(Turns);

    /// <summary>Gives back what it took.</summary>
    [GlobalCleanup]
    public async Task EndAsync() => await _operation!.DisposeAsync();
}

/// <summary>Heads and bodies, bytes to structs.</summary>
public class HttpBenchmarks : OperationBenchmark
{
    /// <inheritdoc/>
    public override IEnumerable<string> Names => ["ParseRequestHead", "ParseResponseHead", "DecodeChunked"];
}

/// <summary>Finding the function and deciding, and the digest of a call.</summary>
public class PolicyBenchmarks : OperationBenchmark
{
    /// <inheritdoc/>
    public override IEnumerable<string> Names =>
        [
            "ResolveDecide10", "ResolveDecide1000", "ResolveDecide100000", "ResolveDecideEncoded",
            "ResolveDecidePlaced", "Decide10", "Decide1000", "Decide100000", "DecideOneCondition", "DecideConditions",
            "DecideConditions1000", "DecideArguments", "CallDigest",
        ];
}

/// <summary>Tokens in, credentials out.</summary>
public class IdentityBenchmarks : OperationBenchmark
{
    /// <inheritdoc/>
    public override IEnumerable<string> Names =>
        [
            "TokenCacheHit", "TokenVerify", "TokenVerifyRs256", "TokenVerifyPs256", "TokenVerifyEdDsa",
            "CredentialSign", "CredentialSignEdDsa",
        ];
}

/// <summary>Bodies through the mask.</summary>
public class MaskingBenchmarks : OperationBenchmark
{
    /// <inheritdoc/>
    public override IEnumerable<string> Names =>
        ["Mask4KiBNoHit", "Mask4KiBTwoFields", "Mask64KiBTwoFields", "Mask64KiBWholeValues", "MaskEvents",
            "DetectValues"];
}

/// <summary>Records into the log.</summary>
public class AuditBenchmarks : OperationBenchmark
{
    /// <inheritdoc/>
    public override IEnumerable<string> Names => ["AuditAppend", "AuditWrite", "AuditCommit"];
}

/// <summary>Whole calls.</summary>
public class CallBenchmarks : OperationBenchmark
{
    /// <inheritdoc/>
    public override IEnumerable<string> Names =>
        ["SocketRoundTrip", "SocketTurns", "WholeCallMasked", "WholeCallStreamed", "WholeCallLimited"];
}
