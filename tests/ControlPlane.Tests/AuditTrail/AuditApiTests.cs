using System.Net;
using System.Text.Json;
using Countersign.Audit;
using Countersign.ControlPlane.AuditTrail;

namespace Countersign.ControlPlane.Tests.AuditTrail;

public sealed class AuditApiTests
{
    private const string Path = "/api/v1/audit/calls";

    [Fact]
    public async Task Auditors_read_calls_newest_first_in_pages()
    {
        // Proves the search; by five calls under thousands of other records, in pages of two, and one call alone.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        List<Guid> calls = [];
        for (int index = 0; index < 5; index++)
        {
            calls.Insert(0, Guid.CreateVersion7());
            await WriteCallAsync(gate.Audit, calls[0], CallRecordType.Intent);
            await WriteCallAsync(gate.Audit, calls[0], CallRecordType.Outcome);
        }

        for (int index = 0; index < 3_000; index++) await WriteEventAsync(gate.Audit);
        string ann = gate.Token("ann", "auditors");
        List<JsonElement> seen = [];
        string? cursor = null;
        do
        {
            Answer page = await gate.GetAsync(Path + "?limit=2" + (cursor is null ? "" : "&cursor=" + cursor), ann);
            Assert.Equal(HttpStatusCode.OK, page.Status);
            seen.AddRange(page.Json.GetProperty("items").EnumerateArray());
            cursor = page.Json.GetProperty("next").GetString();
        }
        while (cursor is not null);
        IEnumerable<Guid> twice = calls.SelectMany(call => new[] { call, call });
        Assert.Equal(twice, seen.Select(item => item.GetProperty("call").GetGuid()));
        Assert.Equal(["outcome", "intent"], seen.Take(2).Select(item => item.GetProperty("type").GetString()!));
        Assert.Equal(Enumerable.Range(0, 10).Reverse(), seen.Select(item => item.GetProperty("index").GetInt32()));
        Answer one = await gate.GetAsync(Path + "?call=" + calls[3], ann);
        JsonElement found = one.Json.GetProperty("items");
        Assert.Equal([3, 2], found.EnumerateArray().Select(item => item.GetProperty("index").GetInt32()));
    }

    [Fact]
    public async Task Others_read_no_calls_and_bad_parameters_are_refused()
    {
        // Proves who may; by a policy admin without the group, and by each bad parameter.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer denied = await gate.GetAsync(Path, gate.Token("pat", "policy-admins"));
        Assert.Equal((HttpStatusCode.Forbidden, "denied"), (denied.Status, denied.Problem));
        Assert.Equal("unauthenticated", (await gate.GetAsync(Path)).Problem);
        string ann = gate.Token("ann", "auditors");
        foreach (string query in new[] { "?limit=1001", "?limit=0", "?call=x", "?cursor=-1" })
        {
            Assert.Equal("malformed-request", (await gate.GetAsync(Path + query, ann)).Problem);
        }

        Assert.Equal("""{"items":[],"next":null}""", (await gate.GetAsync(Path, ann)).Body);
    }

    [Fact]
    public async Task The_checkpoint_is_the_signed_note()
    {
        // Proves the head; by believing what was served under the log's own key.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer note = await gate.GetAsync("/api/v1/audit/checkpoint", gate.Token("mallory", "staff"));
        Assert.Equal("text/plain", note.Message.Content.Headers.ContentType!.MediaType);
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(note.Body);
        Assert.Equal(AuditCheckpointStatus.Ok, AuditCheckpoint.Parse(bytes, gate.Audit.Key, out _));
        Assert.Equal("unauthenticated", (await gate.GetAsync("/api/v1/audit/checkpoint")).Problem);
        Assert.Equal(503, AuditEndpoints.Checkpoint(null).Status);
        Assert.Equal(503, AuditEndpoints.Calls(new CallPage([], 0, IsWhole: false)).Status);
    }

    [Theory]
    [InlineData("""{"v":1,"type":"event","subject":"call"}""")]
    [InlineData("""{"v":1,"caller":{"call":"0195d0e0-0000-7000-8000-000000000001"}}""")]
    [InlineData("""{"call":7}""")]
    [InlineData("""{"call":"x"}""")]
    [InlineData("[1]")]
    [InlineData("nonsense")]
    [InlineData("")]
    public void Only_records_of_calls_are_of_calls(string record)
    {
        // Proves the recognition; by records of other acts and by what is no record.
        Assert.Null(CallSearch.CallOf(System.Text.Encoding.UTF8.GetBytes(record)));
    }

    private static async Task WriteCallAsync(AuditLog log, Guid call, CallRecordType type)
    {
        AuditReservation slot = await ReserveAsync(log);
        new CallRecord(type) { Call = call, At = Drafts.Now, Verdict = "ok" }.WriteTo(slot.Intent);
        Assert.True(await log.CommitAsync(slot.Intent));
        log.Return(slot);
    }

    private static async Task WriteEventAsync(AuditLog log)
    {
        AuditReservation slot = await ReserveAsync(log);
        new EventRecord { Event = "started", At = Drafts.Now }.WriteTo(slot.Intent);
        log.Enqueue(slot.Intent);
        log.Return(slot);
    }

    private static async Task<AuditReservation> ReserveAsync(AuditLog log)
    {
        AuditReservation slot;
        while (!log.TryReserve(out slot)) await Task.Yield();
        return slot;
    }
}
