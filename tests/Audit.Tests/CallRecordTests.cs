using System.Text;
using System.Text.Json;

namespace Countersign.Audit.Tests;

public sealed class CallRecordTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 9, 8, 7, 6, 54, TimeSpan.FromHours(2));
    private static readonly Guid Call = new("0190a8b0-1111-7222-8333-444455556666");

    [Fact]
    public void An_intent_is_written_field_by_field()
    {
        // Proves names, order and forms of all fields by the whole text.
        string text = Write(new CallRecord(CallRecordType.Intent)
        {
            Call = Call, At = At, Gateway = "gw-1", Issuer = "https://issuer.test", Subject = "bot", Kind = "agent",
            Groups = ["agents", "staff"], Chain = ["ada"], Function = "billing.refund", Method = "POST"u8,
            Target = "/billing/7/refunds?x=1"u8, Risk = "high", Decision = "approve", Rule = "big-money",
            PolicyVersion = 12,
            Digest = new byte[32], Approval = "apr_1", Approvers = ["eve"], RequestBytes = 0, Verdict = "not here",
        });
        Assert.Equal(Json("{'v':1,'type':'intent','call':'0190a8b0-1111-7222-8333-444455556666'," +
            "'at':'2026-03-09T06:07:06.054Z'," +
            "'gateway':'gw-1','caller':{'iss':'https://issuer.test','sub':'bot','kind':'agent'," +
            "'groups':['agents','staff'],'chain':['ada']}," +
            "'function':'billing.refund','method':'POST','target':'/billing/7/refunds?x=1'," +
            "'risk':'high','decision':'approve'," +
            "'rule':'big-money','policy_version':12," +
            "'digest':'sha256:0000000000000000000000000000000000000000000000000000000000000000'," +
            "'approval':'apr_1','approvers':['eve'],'request_bytes':0}"), text);
    }

    [Fact]
    public void An_outcome_tells_what_came_of_it_and_leaves_out_what_is_unknown()
    {
        // Proves the outcome's own fields, and that a refused call without caller or decision is still a whole record.
        string text = Write(new CallRecord(CallRecordType.Outcome)
        {
            Call = Call, At = At, Gateway = "gw-1", Method = "GET"u8, Target = "/x"u8, Verdict = "unauthenticated",
            Status = 401, DurationMicroseconds = 88, Detail = "expired",
        });
        Assert.Equal(Json("{'v':1,'type':'outcome','call':'0190a8b0-1111-7222-8333-444455556666'," +
            "'at':'2026-03-09T06:07:06.054Z'," +
            "'gateway':'gw-1','method':'GET','target':'/x','verdict':'unauthenticated','status':401,'masked':0," +
            "'duration_us':88,'detail':'expired'}"), text);
    }

    [Theory]
    [InlineData("bot", false)]
    [InlineData("\u00e9\"\u0007", false)]
    [InlineData("bot", true)]
    public async Task A_readied_outcome_is_the_one_that_is_written_whole(string subject, bool isLong)
    {
        // Proves that what an intent leaves for its outcome, shortened text included, gives the same bytes as writing
        // the outcome by itself, and that the intent is the same as without it.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options);
        Assert.True(log.TryReserve(out AuditReservation slot) & log.TryReserve(out AuditReservation alone));
        CallRecord call = new(CallRecordType.Intent)
        {
            Call = Call, At = At, Gateway = "gw-1", Issuer = "https://issuer.test", Subject = subject, Kind = "agent",
            Groups = isLong ? [.. Enumerable.Range(0, 2_000).Select(group => "group-" + group)] : ["agents"],
            Function = "billing.refund", Method = "POST"u8, Target = "/billing/7"u8, PolicyVersion = 12,
            RequestBytes = 17,
        };
        call.WriteTo(slot.Intent, slot.Outcome);
        call.WriteTo(alone.Intent);
        Assert.Equal(alone.Intent.Written, slot.Intent.Written);
        CallRecord outcome = call;
        outcome.Type = CallRecordType.Outcome;
        outcome.At = At.AddSeconds(61);
        outcome.Verdict = "ok";
        outcome.Status = 200;
        Assert.True(slot.Outcome.IsReadied);
        outcome.WriteTo(slot.Outcome);
        outcome.WriteTo(alone.Outcome);
        Assert.Equal(alone.Outcome.Written, slot.Outcome.Written);
        Assert.Equal(isLong, Encoding.UTF8.GetString(slot.Outcome.Written).EndsWith("\"cut\":true}",
            StringComparison.Ordinal));
        log.Return(slot);
        log.Return(alone);
    }

    [Fact]
    public async Task An_event_is_written_field_by_field()
    {
        // Proves the third kind of record by its whole text.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options);
        Assert.True(log.TryReserve(out AuditReservation slot));
        new EventRecord
        {
            At = At, Gateway = "gw-1", Event = "policy-published", ActorIssuer = "i", ActorSubject = "ada",
            ActorKind = "human", Subject = "7", Detail = "two rules",
        }.WriteTo(slot.Intent);
        Assert.Equal(Json("{'v':1,'type':'event','at':'2026-03-09T06:07:06.054Z','gateway':'gw-1'," +
            "'event':'policy-published'," +
            "'actor':{'iss':'i','sub':'ada','kind':'human'},'subject':'7','detail':'two rules'}"),
            Encoding.UTF8.GetString(slot.Intent.Written));
        log.Return(slot);
    }

    [Fact]
    public void Every_character_survives()
    {
        // Proves the escaping by reading back, with another JSON parser, every control character and each kind of UTF-8
        // length.
        StringBuilder all = new();
        for (int value = 0; value < 0x250; value++) all.Append((char)value);
        all.Append("\u2028\uffff\U0001F600");
        CallRecord record = new(CallRecordType.Outcome)
        {
            Detail = all.ToString(), Target = Encoding.UTF8.GetBytes(all.ToString()),
        };
        using JsonDocument read = JsonDocument.Parse(Write(record));
        Assert.Equal(all.ToString(), read.RootElement.GetProperty("detail").GetString());
        Assert.Equal(all.ToString(), read.RootElement.GetProperty("target").GetString());
        Assert.False(read.RootElement.TryGetProperty("cut", out _));
    }

    [Fact]
    public void Invalid_sequences_are_replaced()
    {
        // Proves it for broken UTF-8 in the target and a lone surrogate in text: the record stays valid JSON.
        CallRecord record = new(CallRecordType.Intent)
        {
            Target = [(byte)'a', 0xff, (byte)'b', 0xe2, 0x82, (byte)'c', 0xc0, 0xaf], Function = "x\ud800y",
        };
        using JsonDocument read = JsonDocument.Parse(Write(record));
        Assert.Equal("a\ufffdb\ufffdc\ufffd\ufffd", read.RootElement.GetProperty("target").GetString());
        Assert.Equal("x\ufffdy", read.RootElement.GetProperty("function").GetString());
    }

    [Theory]
    [InlineData(8_192, 'x')]
    [InlineData(8_192, '\u0001')]
    [InlineData(65_535, 'x')]
    [InlineData(65_535, '\u20ac')]
    public void Overlong_fields_are_shortened_and_say_so(int recordBytesMax, char filler)
    {
        // Proves that the worst a caller can send fits the record, stays valid JSON, and is marked.
        string overlong = new(filler, 200_000);
        string[] many = [.. Enumerable.Repeat(overlong, 3), .. Enumerable.Repeat("", 90_000)];
        CallRecord record = new(CallRecordType.Outcome)
        {
            Gateway = overlong, Issuer = overlong, Subject = overlong, Kind = overlong, Groups = many, Chain = many,
            Function = overlong, Method = Encoding.UTF8.GetBytes(overlong), Target = Encoding.UTF8.GetBytes(overlong),
            Risk = overlong, Decision = overlong, Rule = overlong, PolicyVersion = long.MaxValue, Digest = new byte[32],
            Approval = overlong, Approvers = many, RequestBytes = long.MaxValue, Verdict = overlong,
            Status = int.MaxValue, UpstreamStatus = int.MaxValue, ResponseBytes = long.MaxValue,
            ResponseDigest = new byte[32], Masked = long.MinValue, Credential = overlong,
            DurationMicroseconds = long.MaxValue, Detail = overlong,
        };
        using JsonDocument read = JsonDocument.Parse(Write(record, recordBytesMax));
        Assert.True(read.RootElement.GetProperty("cut").GetBoolean());
        Assert.EndsWith("\u2026", read.RootElement.GetProperty("target").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_body_cut_inside_a_character_ends_before_it(int bytesOfLast)
    {
        // Proves that a copy of a cut body has no replacement character at its end and is no longer than the body,
        // while one that was not cut keeps what it is.
        byte[] body = [.. Encoding.UTF8.GetBytes("abc"), .. Encoding.UTF8.GetBytes("\U0001F600")[..bytesOfLast]];
        CallRecord cut = new(CallRecordType.Outcome) { RequestCopy = body, IsRequestCopyCut = true };
        Assert.Contains("\"request_copy\":\"abc\"", Write(cut), StringComparison.Ordinal);
        CallRecord whole = new(CallRecordType.Outcome) { RequestCopy = body };
        Assert.Contains("\"request_copy\":\"abc\uFFFD", Write(whole), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_without_a_type_is_a_bug()
    {
        // Proves that the default value cannot be written as something it is not.
        Assert.Throws<ArgumentOutOfRangeException>(() => Write(default));
    }

    private static string Json(string text) => text.Replace('\'', '"');

    private static string Write(CallRecord call, int recordBytesMax = 65_535)
    {
        SegmentRoom room = new();
        room.Give(1_000_000);
        AuditRecordPool pool = new(2, recordBytesMax, room);
        Assert.True(pool.TryTakeTwo(out AuditReservation slot));
        call.WriteTo(slot.Intent);
        string text = Encoding.UTF8.GetString(slot.Intent.Written);
        pool.Return(slot.Intent);
        return text;
    }
}
