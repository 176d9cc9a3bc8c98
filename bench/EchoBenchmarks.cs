using System.Text;
using BenchmarkDotNet.Attributes;
using Countersign.Bench.Operations;
using Countersign.Masking.Content;

namespace Countersign.Bench;

/// <summary>One look for a lent credential in 4 KiB of an answer.</summary>
public class EchoBenchmarks
{
    private readonly SecretFilter _filter = new();
    private readonly byte[] _secret = Encoding.ASCII.GetBytes("eyJhbGciOiJFUzI1NiJ9." + new string('x', 300));
    private byte[] _body = [];

    /// <summary>What the answer is: JSON, JSON in a string of JSON, or HTML that shows JSON.</summary>
    [Params("json", "json in json", "html")]
    public string Body { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        string json = Encoding.UTF8.GetString(Wire.People(4_096));
        string body = Body switch
        {
            "json" => json,
            "html" => json.Replace("\"", "&quot;", StringComparison.Ordinal),
            _ => json.Replace("\"", "\\\"", StringComparison.Ordinal),
        };
        _body = Encoding.UTF8.GetBytes(body)[..4_096];
    }

    [Benchmark]
    public int Look()
    {
        _filter.Add(_secret);
        _filter.Begin();
        int left = _filter.Clean(_body, isLast: true).Length;
        _filter.Clear();
        return left;
    }
}
