using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Runs alone: other tests would allocate into its figure.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class Alone;

/// <summary>What a warm call costs the collector.</summary>
[Collection("alone")]
public sealed class AllocationTests(ITestOutputHelper output)
{
    private const int Calls = 1_000;

    // Well above what is measured, far below one 4 KiB copy of the answer.
    private const double BytesPerCallMax = 64;

    [Fact]
    public async Task A_warm_masked_call_allocates_next_to_nothing()
    {
        // Proves the allocation goal by measuring 1,000 warm calls: cached token, reused credential, masked 4 KiB
        // answer.
        await using MemoryGateway gateway = new(Policies.Standard, auditRecordsMax: 16_384);
        StringBuilder body = new("{\"ssn\":\"123-45-6789\",\"note\":\"");
        body.Append('x', 4_000).Append("\"}");
        byte[] reply = Encoding.ASCII.GetBytes(ScriptedUpstream.Json(body.ToString()));
        gateway.Upstream.Script = session => ReplyAsync(session, reply);
        MemoryConnection connection = gateway.Connect().Connection;
        byte[] request = Encoding.ASCII.GetBytes(Requests.Get(gateway, "/people/1"));
        for (int warm = 0; warm < 2_000; warm++) await CallAsync(connection, request);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int call = 0; call < Calls; call++) await CallAsync(connection, request);
        double perCall = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Calls;
        output.WriteLine($"{perCall:F1} B per call");
        Assert.True(perCall <= BytesPerCallMax, $"{perCall:F1} B per call");
    }

    private static async ValueTask CallAsync(MemoryConnection connection, byte[] request)
    {
        connection.FarOutput.Write(request);
        await connection.FarOutput.FlushAsync();
        await DrainAsync(connection.FarInput, (byte)'}');
    }

    // Everything runs inline, so that the whole answer is there when the flush returns; the loop is for the warm-up.
    private static async ValueTask DrainAsync(PipeReader input, byte last)
    {
        bool isFirst = true;
        while (true)
        {
            ReadResult result = await input.ReadAsync();

            // A refusal would be cheap as well: only an answer counts.
            if (isFirst) Assert.True(result.Buffer.FirstSpan.StartsWith("HTTP/1.1 200"u8));
            isFirst = false;
            bool isWhole = !result.Buffer.IsEmpty && result.Buffer.Slice(result.Buffer.Length - 1).FirstSpan[0] == last;
            input.AdvanceTo(result.Buffer.End);
            if (isWhole) return;
        }
    }

    private static async Task ReplyAsync(UpstreamSession session, byte[] reply)
    {
        PipeReader input = session.Connection.FarInput;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            bool hasBytes = !result.Buffer.IsEmpty;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return;
            if (!hasBytes) continue;
            session.Connection.FarOutput.Write(reply);
            await session.Connection.FarOutput.FlushAsync();
        }
    }
}
