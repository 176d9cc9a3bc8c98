using System.Text.Json;

namespace Countersign.Audit.Tests;

/// <summary>Intents that a killed process left without an outcome.</summary>
public sealed class InterruptedTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 9, 8, 7, 6, TimeSpan.Zero);

    [Fact]
    public async Task A_start_names_the_calls_that_were_begun_and_not_ended()
    {
        // Proves by two calls, one of which ends, in different segments, that the start finds the other one; that
        // closing it repeats who and what, says unknown, and leaves nothing open; and that the log verifies.
        using LogFixture fixture = new();
        Guid ended = Guid.CreateVersion7(At), open = Guid.CreateVersion7(At);
        AuditLogOptions options = fixture.Options with { SegmentBytesMax = 1_024 };
        await using (AuditLog log = LogFixture.Open(options))
        {
            await WriteAsync(log, CallRecordType.Intent, open);
            await WriteAsync(log, CallRecordType.Intent, ended);
            for (int other = 0; other < 20; other++) await LogFixture.AppendAsync(log, LogFixture.Payload(other));
            await WriteAsync(log, CallRecordType.Outcome, ended);
        }

        AuditLogOpening opening = AuditLog.Open(options, TimeProvider.System);
        AuditEntry intent = Assert.Single(opening.Interrupted);
        Assert.Equal(0, intent.Index);
        await using (AuditLog log = opening.Log!)
        {
            Assert.Equal(1, await InterruptedCalls.CloseAsync(log, opening.Interrupted, "gw-2", TimeProvider.System));
        }

        AuditLogOpening again = AuditLog.Open(options, TimeProvider.System);
        await using AuditLog reopened = again.Log!;
        Assert.Empty(again.Interrupted);
        AuditEntry last = Assert.Single(AuditReader.Between(fixture.Folder, reopened.Size - 1, reopened.Size));
        JsonElement record = JsonDocument.Parse(last.Payload).RootElement;
        Assert.Equal("outcome", record.GetProperty("type").GetString());
        Assert.Equal(open, record.GetProperty("call").GetGuid());
        Assert.Equal("unknown", record.GetProperty("verdict").GetString());
        Assert.Equal("gw-1", record.GetProperty("gateway").GetString());
        Assert.Equal("ann", record.GetProperty("caller").GetProperty("sub").GetString());
        Assert.Equal("/billing/\"7\"", record.GetProperty("target").GetString());
        Assert.True(fixture.Verify().IsOk);
    }

    [Fact]
    public async Task A_shortened_intent_stays_marked_when_it_is_closed()
    {
        // Proves that the mark of a cut is repeated once, as the last field.
        using LogFixture fixture = new();
        await using (AuditLog log = LogFixture.Open(fixture.Options))
        {
            await WriteAsync(log, CallRecordType.Intent, Guid.CreateVersion7(At), new string('x', 3_000));
        }

        AuditLogOpening opening = AuditLog.Open(fixture.Options, TimeProvider.System);
        await using AuditLog reopened = opening.Log!;
        await InterruptedCalls.CloseAsync(reopened, opening.Interrupted, "gw-2", TimeProvider.System);
        AuditEntry last = Assert.Single(AuditReader.Between(fixture.Folder, 1, 2));
        Assert.EndsWith(",\"cut\":true}", System.Text.Encoding.UTF8.GetString(last.Payload.Span),
            StringComparison.Ordinal);
        Assert.Single(JsonDocument.Parse(last.Payload).RootElement.EnumerateObject(), one => one.NameEquals("cut"));
    }

    [Fact]
    public async Task A_log_that_cannot_be_written_says_so()
    {
        // Proves that calls which cannot be closed are not said to be.
        using LogFixture fixture = new();
        await using (AuditLog log = LogFixture.Open(fixture.Options))
        {
            await WriteAsync(log, CallRecordType.Intent, Guid.CreateVersion7(At));
        }

        FailingStorage storage = new();
        AuditLogOpening opening = AuditLogOpener.Open(fixture.Options, TimeProvider.System, storage);
        await using AuditLog reopened = opening.Log!;
        storage.FailsToFlush = true;
        Assert.Equal(-1, await InterruptedCalls.CloseAsync(
            reopened, opening.Interrupted, "gw-2", TimeProvider.System));
    }

    private static async Task WriteAsync(AuditLog log, CallRecordType type, Guid call, string subject = "ann")
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        new CallRecord(type)
        {
            Call = call, At = At, Gateway = "gw-1", Issuer = "https://issuer.test", Subject = subject, Kind = "human",
            Function = "billing.refund", Method = "POST"u8, Target = "/billing/\"7\""u8, Verdict = "ok",
        }.WriteTo(slot.Intent);
        Assert.True(await log.CommitAsync(slot.Intent));
        log.Return(slot);
    }
}
