using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Countersign.Audit;

namespace Countersign.Bench;

/// <summary>
/// One SHA-256 of a tree's node, of an audit record and of an answer of 4 KiB: as the gateway takes it, and over the
/// framework's own state kept per thread.
/// </summary>
public class HashBenchmarks
{
    private readonly byte[] _digest = new byte[SHA256.HashSizeInBytes];
    private readonly IncrementalHash _framework = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _input = [];

    /// <summary>Bytes of one input.</summary>
    [Params(65, 300, 3_600)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp() => _input = new byte[Bytes];

    [Benchmark(Baseline = true)]
    public void Framework()
    {
        _framework.AppendData(_input);
        _framework.GetHashAndReset(_digest);
    }

    [Benchmark]
    public void Gateway() => MerkleHash.LeafInPlace(_input, _digest);
}
