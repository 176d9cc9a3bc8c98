namespace Countersign.Audit.Tests;

/// <summary>Searching a log by time, and telling a call as a story.</summary>
public sealed class StoryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 9, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Times_lead_to_a_part_of_the_log_that_holds_all_of_them()
    {
        // Proves over many segments, with intents that tell an older time than they were written at, that nothing
        // written at a time is before the entry named for it, nothing earlier is behind the one named after it, and
        // that both leave most of the log unread.
        using LogFixture fixture = new();
        await using (AuditLog log = LogFixture.Open(fixture.Options with { SegmentBytesMax = 1_024 }))
        {
            for (int minute = 0; minute < 120; minute++)
            {
                await WriteAsync(log, new CallRecord(CallRecordType.Intent)
                {
                    Call = Guid.CreateVersion7(), At = Noon.AddMinutes(minute - 50),
                });
                await WriteAsync(log, new CallRecord(CallRecordType.Outcome)
                {
                    Call = Guid.CreateVersion7(), At = Noon.AddMinutes(minute),
                });
            }
        }

        for (int minute = 0; minute < 120; minute++)
        {
            long first = AuditTimes.EntryBefore(fixture.Folder, Noon.AddMinutes(minute));
            long end = AuditTimes.EntryAfter(fixture.Folder, Noon.AddMinutes(minute));
            Assert.InRange(first, Math.Max(0, (2 * minute) - 40), 2 * minute);
            Assert.True(end == long.MaxValue ? minute > 100 : end > (2 * minute) && end < (2 * minute) + 40);
        }

        Assert.Equal(0, AuditTimes.EntryBefore(fixture.Folder, DateTimeOffset.MinValue.AddDays(1)));
        Assert.Equal(long.MaxValue, AuditTimes.EntryAfter(fixture.Folder, Noon.AddDays(1)));
    }

    [Fact]
    public async Task A_call_is_told_from_its_asking_to_its_answer()
    {
        // Proves the steps of a call that was approved, in the order of their times, from the call that its approval
        // was first asked for by on, with the acts on it and none on another, and of one that was refused; and that a
        // call which is not there is none.
        using LogFixture fixture = new();
        string approval = Guid.CreateVersion7(Noon).ToString();
        Guid call = Guid.CreateVersion7(Noon.AddMinutes(1)), denied = Guid.CreateVersion7(Noon);
        await using (AuditLog log = LogFixture.Open(fixture.Options))
        {
            await WriteAsync(log, new CallRecord(CallRecordType.Outcome)
            {
                Call = denied, At = Noon, Method = "GET"u8, Target = "/x"u8, Verdict = "denied", Status = 403,
            });
            await WriteAsync(log, new CallRecord(CallRecordType.Outcome)
            {
                Call = Guid.CreateVersion7(Noon), At = Noon, Issuer = "https://i", Subject = "bot", Kind = "agent",
                Chain = ["ada"], Function = "billing.refund", Method = "POST"u8, Target = "/billing/7"u8,
                Decision = "approve", Approval = approval, Verdict = "approval-required", Status = 428,
            });
            await WriteEventAsync(log, "approval-decided", approval, "approve", Noon.AddSeconds(30));
            await WriteEventAsync(log, "approval-decided", Guid.CreateVersion7().ToString(), "deny", Noon);
            await WritePairAsync(log, new CallRecord(CallRecordType.Intent)
            {
                Call = call, At = Noon.AddMinutes(1), Issuer = "https://i", Subject = "bot", Kind = "agent",
                Chain = ["ada"], Function = "billing.refund", Method = "POST"u8, Target = "/billing/7"u8,
                Decision = "approve", Rule = "big-money", PolicyVersion = 3, Approval = approval, Approvers = ["eve"],
            });
            await WriteEventAsync(log, "break-glass-reviewed", approval, "", Noon.AddMinutes(2));
        }

        CallStory story = CallStory.Find(fixture.Folder, call)!;
        Assert.Equal(
            ["asked", "approval", "asked", "decided", "sent", "answered", "masked", "approval"],
            story.Steps().Select(step => step.Step));
        string told = string.Join("; ", story.Steps().Select(step => step.Text));
        string[] words =
        [
            ": approval-required, status 428;", "agent bot for ada asked for billing.refund (POST /billing/7)",
            "approve by rule big-money of policy 3",
            "approval-decided by eve: approve", "approved by eve", "ok, status 200, 9 bytes, after 1.5 ms",
            "2 values masked",
        ];
        Assert.All(words, word => Assert.Contains(word, told, StringComparison.Ordinal));
        Assert.Equal(5, story.Record("outcome")!.Value.Index);
        Assert.Equal(["2026-03-09T12:01:00.000Z"], story.Steps().Where(step => step.Step == "sent").Select(
            step => step.At));
        Assert.Equal(
            ["asked", "refused"], CallStory.Find(fixture.Folder, denied)!.Steps().Select(step => step.Step));
        Assert.Null(CallStory.Find(fixture.Folder, Guid.CreateVersion7()));
    }

    private static Task WritePairAsync(AuditLog log, in CallRecord intent)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        intent.WriteTo(slot.Intent);
        log.Enqueue(slot.Intent);
        CallRecord outcome = intent;
        outcome.Type = CallRecordType.Outcome;
        outcome.Verdict = "ok";
        outcome.Status = 200;
        outcome.Masked = 2;
        outcome.ResponseBytes = 9;
        outcome.DurationMicroseconds = 1_500;
        outcome.WriteTo(slot.Outcome);
        return CommitOutcomeAsync(log, slot);
    }

    private static async Task CommitOutcomeAsync(AuditLog log, AuditReservation slot)
    {
        Assert.True(await log.CommitAsync(slot.Outcome));
        log.Return(slot);
    }

    private static Task WriteAsync(AuditLog log, in CallRecord record)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        record.WriteTo(slot.Intent);
        return CommitAsync(log, slot);
    }

    private static Task WriteEventAsync(AuditLog log, string name, string subject, string detail, DateTimeOffset at)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        new EventRecord { At = at, Event = name, ActorSubject = "eve", Subject = subject, Detail = detail }
            .WriteTo(slot.Intent);
        return CommitAsync(log, slot);
    }

    private static async Task CommitAsync(AuditLog log, AuditReservation slot)
    {
        Assert.True(await log.CommitAsync(slot.Intent));
        log.Return(slot);
    }
}
