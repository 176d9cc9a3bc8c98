using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Countersign.DataPlane;
using Countersign.Kit;

namespace Countersign.Bench.Operations;

/// <summary>
/// A call from the client's bytes to the client's bytes: real policy, tokens, credentials, masks and an audit log on
/// disk, over in-memory pipes, against an upstream that answers from memory. The ends allocate nothing, so what is
/// measured is the gateway's, the audit writer's thread included.
/// </summary>
internal sealed class WholeCall : Operation
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams:
          people:
            endpoints: [http://people.test]
            credential: { broker: jwt, audience: people, ttl: 1h, reuse: 1h }
        functions:
          people.list: { upstream: people, method: GET,  path: /people,              risk: low }
          people.find: { upstream: people, method: GET,  path: /people/found,        risk: low }
          people.note: { upstream: people, method: POST, path: "/people/{id}/notes", risk: low }
        rules:
          - { id: staff, subjects: { groups: [staff] }, functions: ["people.*"], effect: allow }
        masks:
          - { id: ssn,  functions: [people.list], fields: [ssn] }
          - { id: card, functions: [people.list], fields: ["$..cards[*].number"], action: keep-last-4 }
        limits:
          - { id: found, functions: [people.find], per: caller, rate: 100000/s, burst: 1000000 }
        """;

    // So many calls, and the log's writer is waited for: with more in hand than it keeps ready it would make records,
    // and with more than there may be calls would be refused, on a machine that lets it wait. A call writes two.
    private const int CallsBetweenWaits = 512;
    private const int EntriesOfCall = 2;
    private const int AuditRecordsMax = 4 * CallsBetweenWaits * EntriesOfCall;

    // Signed at the end only: checkpoints come by the clock, so their share of a call depends on the machine.
    private static readonly TimeSpan CheckpointEvery = TimeSpan.FromHours(1);

    // One connection makes all the calls of a measurement.
    private static readonly Limits Unending = new() { CallsPerConnectionMax = int.MaxValue };

    private readonly MemoryGateway _gateway;
    private readonly MemoryClient _client;
    private readonly CallBytes _bytes;
    private long _entries;

    private WholeCall(Func<string, CallBytes> bytes)
    {
        _gateway = new MemoryGateway(
            Policy, Unending, AuditRecordsMax, TimeProvider.System, checkpointEvery: CheckpointEvery);
        _bytes = bytes(_gateway.Issuer.Token("alice", ["staff"]));
        _gateway.Upstream.Script = AnswerAsync;
        _client = _gateway.Connect();
    }

    internal override bool SpansThreads => true;

    /// <summary>An allowed GET with a cached token and a kept credential, whose 4 KiB of JSON are masked.</summary>
    internal static WholeCall Masked() => new(static token => new CallBytes(
        Request: Ascii($"GET /people HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n\r\n"),
        RequestEnd: Ascii("\r\n\r\n"),
        Answer: Answer(Wire.People(4_096)),
        AnswerEnd: Ascii("\"whole\":true}")));

    /// <summary>An allowed GET that a limit counts, by cells that were leased ahead.</summary>
    internal static WholeCall Limited() => new(static token => new CallBytes(
        Request: Ascii($"GET /people/found HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n\r\n"),
        RequestEnd: Ascii("\r\n\r\n"),
        Answer: Answer(Wire.People(4_096)),
        AnswerEnd: Ascii("\"whole\":true}")));

    /// <summary>An allowed POST whose chunked body streams to the upstream, and whose chunked answer streams back
    /// unmasked.</summary>
    internal static WholeCall Streamed() => new(static token => new CallBytes(
        Request: [
            .. Ascii($"POST /people/17/notes HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n"),
            .. Ascii("Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"), .. Wire.Chunked(2, 1_024),
        ],
        RequestEnd: Ascii("\r\n0\r\nChecksum: none\r\n\r\n"),
        Answer: [
            .. Ascii("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"),
            .. Wire.Chunked(4, 1_024),
        ],
        AnswerEnd: Ascii("\r\n0\r\n\r\n")));

    internal override async Task RunAsync(int count)
    {
        MemoryConnection connection = _client.Connection;
        for (int turn = 0; turn < count; turn++)
        {
            // Off the gateway's stack: it gets to wait for the next head, as it does between the calls of a client.
            await Task.Yield();
            if (turn % CallsBetweenWaits == 0) WaitForLog();
            await connection.FarOutput.WriteAsync(_bytes.Request);
            while (true)
            {
                ReadResult result = await connection.FarInput.ReadAsync();
                bool isWhole = EndsWith(result.Buffer, _bytes.AnswerEnd);
                Require(isWhole || !result.IsCompleted);
                if (isWhole) Require(StartsWithOk(result.Buffer));
                connection.FarInput.AdvanceTo(isWhole ? result.Buffer.End : result.Buffer.Start, result.Buffer.End);
                if (isWhole) break;
            }

            _entries += EntriesOfCall;
        }

        await Task.Yield();
        WaitForLog();
    }

    // All that was called is written, so each measurement has its own share of the writer's work and no other's.
    private void WaitForLog()
    {
        while (_gateway.Audit.Size < _entries)
        {
            Require(_gateway.Audit.IsHealthy);
            Thread.Yield();
        }
    }

    protected override async ValueTask ReleaseAsync()
    {
        _client.Close();
        await _client.Served;
        await _gateway.DisposeAsync();
    }

    private async Task AnswerAsync(UpstreamSession session)
    {
        PipeReader input = session.Connection.FarInput;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            bool isWhole = EndsWith(result.Buffer, _bytes.RequestEnd);
            input.AdvanceTo(isWhole ? result.Buffer.End : result.Buffer.Start, result.Buffer.End);
            if (!isWhole && result.IsCompleted) return;
            if (!isWhole) continue;

            // A real upstream is never done at once: every stage that can wait for it does.
            await Task.Yield();
            await session.Connection.FarOutput.WriteAsync(_bytes.Answer);
        }
    }

    private static bool EndsWith(in ReadOnlySequence<byte> buffer, byte[] end)
    {
        if (buffer.Length < end.Length) return false;
        Span<byte> last = stackalloc byte[32];
        last = last[..end.Length];
        buffer.Slice(buffer.Length - end.Length).CopyTo(last);
        return last.SequenceEqual(end);
    }

    private static bool StartsWithOk(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> first = stackalloc byte[12];
        buffer.Slice(0, first.Length).CopyTo(first);
        return first.SequenceEqual("HTTP/1.1 200"u8);
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static byte[] Answer(byte[] json) =>
        [
        .. Ascii($"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n"),
        .. json,
    ];

    /// <summary>The two messages, and how each ends on the wire.</summary>
    private sealed record CallBytes(byte[] Request, byte[] RequestEnd, byte[] Answer, byte[] AnswerEnd);
}
