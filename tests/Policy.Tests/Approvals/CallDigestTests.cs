using System.Buffers;
using System.Text;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Policy.Tests.Approvals;

public sealed class CallDigestTests
{
    [Fact]
    public void Equal_calls_have_one_digest_of_the_written_form()
    {
        // Proves that the digest is a pure function with the documented form, by computing it twice.
        string digest = Of();
        Assert.Equal(digest, Of());
        Assert.True(CallDigest.IsWellFormed(digest));
        Assert.False(CallDigest.IsWellFormed(digest.ToUpperInvariant()));
        Assert.False(CallDigest.IsWellFormed(digest.AsSpan(0, 70)));
    }

    [Fact]
    public void Every_part_counts()
    {
        // Proves that no part is left out, by changing each of them alone.
        string[] digests =
        [
            Of(), Of(tenant: "b"), Of(issuer: "https://i.tes"), Of(subject: "sub"), Of(chain: ["ann"]),
            Of(chain: ["bob", "ann"]), Of(function: "f"), Of(method: "PUT"), Of(target: "/b"),
            Of(headers: []), Of(headers: [new("x-a", null)]),
            Of(headers: [new("x-a", Array.Empty<byte>())]), Of(headers: [new("x-b", "1"u8.ToArray())]),
            Of(headers: [new("x-a", "2"u8.ToArray())]), Of(type: "text/plain"), Of(body: "{ }"), Of(body: ""),
        ];
        Assert.Equal(digests.Length, digests.Distinct().Count());
    }

    [Fact]
    public void Moving_a_byte_between_neighbours_changes_the_digest()
    {
        // Proves that the encoding cannot be read two ways, by shifting one character over every boundary.
        string[] digests =
        [
            Of(), Of(tenant: "acmeh", issuer: "ttps://i.test"), Of(issuer: "https://i.tests", subject: "ubject"),
            Of(subject: "subjecta", chain: ["nn", "bob"]), Of(chain: ["annb", "ob"]), Of(chain: ["annbob"]),
            Of(chain: ["ann", "bobf"], function: "n.one"), Of(chain: ["ann"], function: "bobfn.one"),
            Of(function: "fn.oneP", method: "OST"), Of(method: "POST/", target: "a"), Of(target: "/ax", headers:
                [new("-a", "1"u8.ToArray())]),
            Of(headers: [new("x-a1", Array.Empty<byte>())]), Of(headers: [new("x-a", "1j"u8.ToArray())], type: "son"),
            Of(type: "json{", body: "}"), Of(headers: [new("x-a", null), new("1", null)]),
        ];
        Assert.Equal(digests.Length, digests.Distinct().Count());
    }

    [Fact]
    public void Buffers_do_not_matter()
    {
        // Proves that only the body's bytes count, by cutting it at every place.
        byte[] body = Encoding.UTF8.GetBytes("{\"amount\":9007199254740993}");
        string whole = Of(sequence: new ReadOnlySequence<byte>(body));
        for (int cut = 0; cut <= body.Length; cut++) Assert.Equal(whole, Of(sequence: Pieces.Cut(body, cut)));
    }

    private static string Of(
        string tenant = "acme", string issuer = "https://i.test", string subject = "subject", string[]? chain = null,
        string function = "fn.one", string method = "POST", string target = "/a", BindingHeader[]? headers = null,
        string type = "json", string body = "{}", ReadOnlySequence<byte>? sequence = null) =>
        CallDigest.Compute(new CallParts
        {
            Caller = new Caller(issuer, subject, CallerKind.Human, [], chain ?? ["ann", "bob"], tenant),
            FunctionId = function,
            Method = method,
            Target = Encoding.UTF8.GetBytes(target),
            Headers = headers ?? [new("x-a", "1"u8.ToArray())],
            ContentType = Encoding.UTF8.GetBytes(type),
            Body = sequence ?? new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(body)),
        });
}

/// <summary>A body in two buffers.</summary>
internal sealed class Pieces : ReadOnlySequenceSegment<byte>
{
    public static ReadOnlySequence<byte> Cut(byte[] bytes, int at)
    {
        var second = new Pieces { Memory = bytes.AsMemory(at), RunningIndex = at };
        var first = new Pieces { Memory = bytes.AsMemory(0, at), Next = second };
        return new ReadOnlySequence<byte>(first, 0, second, bytes.Length - at);
    }
}
