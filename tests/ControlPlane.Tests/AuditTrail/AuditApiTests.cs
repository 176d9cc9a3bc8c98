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
        foreach (string query in new[] { "?limit=1001", "?limit=0", "?call=x", "?cursor=-1", "?verdcit=ok" })
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
        Assert.Equal(503, AuditEndpoints.Calls(new RecordPage([], 0, IsWhole: false)).Status);
    }

    [Fact]
    public async Task A_search_asks_for_who_what_how_and_when()
    {
        // Proves each filter alone, by records that differ in one thing, and that a wrong one is told.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Guid refused = Guid.CreateVersion7(Drafts.Now), paid = Guid.CreateVersion7(Drafts.Now);
        await WriteAsync(gate.Audit, new CallRecord(CallRecordType.Outcome)
        {
            Call = refused, At = Drafts.Now, Issuer = "https://i", Subject = "bot", Kind = "agent", Chain = ["Ada"],
            Function = "billing.reset", Decision = "deny", Verdict = "denied", Detail = "No rule allows it.",
        });
        await WriteAsync(gate.Audit, new CallRecord(CallRecordType.Outcome)
        {
            Call = paid, At = Drafts.Now.AddHours(3), Issuer = "https://i", Subject = "eve", Kind = "human",
            Chain = ["eve"], Function = "people.get", Decision = "allow", Verdict = "ok", Approval = "apr_1",
            Approvers = ["zoe"],
        });
        string ann = gate.Token("ann", "auditors");
        (string Query, Guid Found)[] asked =
        [
            ("caller=bot", refused), ("caller=https://i|eve", paid), ("person=ada", refused), ("person=ZOE", paid),
            ("function=billing.*", refused), ("function=people.get", paid), ("decision=deny", refused),
            ("verdict=ok", paid), ("approval=apr_1", paid), ("text=no%20RULE", refused), ("call=" + paid, paid),
            ("to=" + Time(Drafts.Now.AddHours(1)), refused), ("from=" + Time(Drafts.Now.AddHours(1)), paid),
        ];
        foreach ((string query, Guid found) in asked)
        {
            Answer page = await gate.GetAsync(Path + "?" + query, ann);
            JsonElement item = Assert.Single(page.Json.GetProperty("items").EnumerateArray());
            Assert.True(found == item.GetProperty("call").GetGuid(), query);
        }

        foreach (string query in (string[])["decision=no", "from=x", "type=x", "person=a&person=b", "call=1"])
            Assert.Equal("malformed-request", (await gate.GetAsync(Path + "?" + query, ann)).Problem);
    }

    [Fact]
    public async Task Every_read_is_in_the_log_before_it_is_answered()
    {
        // Proves with a search, a story and a proof that each leaves its event, with who and what; and that where the
        // log takes nothing, nothing is shown.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Guid call = Guid.CreateVersion7(Drafts.Now);
        await WriteCallAsync(gate.Audit, call, CallRecordType.Intent);
        await WriteCallAsync(gate.Audit, call, CallRecordType.Outcome);
        string ann = gate.Token("ann", "auditors");
        Answer story = await gate.GetAsync(Path + "/" + call, ann);
        Assert.Equal(
            ["asked", "sent", "answered"],
            story.Json.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("step").GetString()!));
        Answer proof = await gate.GetAsync(Path + "/" + call + "/proof?record=intent", ann);
        Assert.True(TlogProof.TryRead(System.Text.Encoding.UTF8.GetBytes(proof.Body), out TlogProof? read));
        Assert.True(read!.Verifies(gate.Audit.Key, out _));
        Assert.Equal(0, read.Index);
        await gate.GetAsync(Path + "?verdict=ok", ann);
        Answer chain = await gate.GetAsync("/api/v1/audit/chain", ann);
        Assert.Equal("countersign/test", chain.Json.GetProperty("log").GetString());
        Answer reads = await gate.GetAsync(Path + "?event=audit-read", ann);
        Assert.Equal(
            [("calls", "?event=audit-read"), ("chain", ""), ("calls", "?verdict=ok"), (call.ToString(), "proof"),
                (call.ToString(), "story")],
            reads.Json.GetProperty("items").EnumerateArray().Select(
                one => (one.GetProperty("subject").GetString()!,
                    one.TryGetProperty("detail", out JsonElement detail) ? detail.GetString()! : "")));
        Assert.All(reads.Json.GetProperty("items").EnumerateArray(),
            one => Assert.Equal("ann", one.GetProperty("actor").GetProperty("sub").GetString()));
        await gate.Audit.DisposeAsync();
        foreach (string path in (string[])
            [Path, Path + "/" + call, Path + "/" + call + "/proof", "/api/v1/audit/chain"])
            Assert.Equal("audit-unavailable", (await gate.GetAsync(path, ann)).Problem);
    }

    [Fact]
    public async Task Stories_and_proofs_are_for_auditors_and_of_calls_that_are_there()
    {
        // Proves who may, and 404 for another call, for no id at all and for a record that is not there.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Guid call = Guid.CreateVersion7(Drafts.Now);
        await WriteCallAsync(gate.Audit, call, CallRecordType.Outcome);
        string pat = gate.Token("pat", "policy-admins"), ann = gate.Token("ann", "auditors");
        foreach (string path in (string[])["/" + call, "/" + call + "/proof"])
        {
            Assert.Equal("denied", (await gate.GetAsync(Path + path, pat)).Problem);
            Assert.Equal("unauthenticated", (await gate.GetAsync(Path + path)).Problem);
        }

        await gate.GetAsync(Path + "?text=" + new string('x', 400), pat);
        Assert.Equal("denied", (await gate.GetAsync("/api/v1/audit/chain", pat)).Problem);
        Answer refused = await gate.GetAsync(Path + "?event=audit-read-refused", ann);
        Assert.Equal(
            [("chain", ""), ("calls", "?text=" + new string('x', 250) + "…"), (call.ToString(), "proof"),
                (call.ToString(), "story")],
            refused.Json.GetProperty("items").EnumerateArray().Select(
                one => (one.GetProperty("subject").GetString()!,
                    one.TryGetProperty("detail", out JsonElement detail) ? detail.GetString()! : "")));
        foreach (string path in (string[])["/x", "/" + Guid.CreateVersion7(), "/" + call + "/proof?record=intent"])
            Assert.Equal("not-found", (await gate.GetAsync(Path + path, ann)).Problem);
        Assert.Equal("malformed-request", (await gate.GetAsync(Path + "/" + call + "/proof?record=x", ann)).Problem);
    }

    private static string Time(DateTimeOffset at) =>
        at.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);

    private static Task WriteAsync(AuditLog log, in CallRecord record)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        record.WriteTo(slot.Intent);
        return CommitAsync(log, slot);
    }

    private static async Task CommitAsync(AuditLog log, AuditReservation slot)
    {
        Assert.True(await log.CommitAsync(slot.Intent));
        log.Return(slot);
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
