using System.Buffers;
using System.Text;

namespace Countersign.Audit.Tests;

public sealed class ReceiptTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 9, 8, 7, 6, 54, TimeSpan.Zero);
    private static readonly Guid Call = Guid.CreateVersion7(At);

    [Fact]
    public async Task A_receipt_is_of_one_intent_and_one_log()
    {
        // Proves that what is given is read as it was, is the log's, and is of that intent; of no other log of the same
        // name, and of no other record.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options);
        (string text, byte[] intent) = Give(log);
        Assert.True(CallReceipt.TryParse(text, out CallReceipt? receipt));
        Assert.Equal((LogFixture.Origin, Call, At), (receipt!.Log, receipt.Call, receipt.At));
        Assert.True(receipt.IsGivenBy(log.Key));
        Assert.True(receipt.IsOf(intent));
        Assert.False(receipt.IsOf([.. intent, (byte)' ']));
        using LogKey other = LogKey.FromSeed(LogFixture.Origin, new byte[32])!;
        using LogKey renamed = LogKey.FromSeed("countersign/other", fixture.Options.KeySeed.Span)!;
        Assert.False(receipt.IsGivenBy(other.Public));
        Assert.False(receipt.IsGivenBy(renamed.Public));
    }

    [Fact]
    public async Task Any_change_of_a_receipt_is_refused()
    {
        // Proves one spelling: every character is changed in turn, and what still reads is not the log's.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options);
        string text = Give(log).Text;
        for (int at = 0; at < text.Length; at++)
        {
            foreach (char other in "A0\"=")
            {
                if (text[at] == other) continue;
                string changed = text[..at] + other + text[(at + 1)..];
                bool isRead = CallReceipt.TryParse(changed, out CallReceipt? receipt);
                Assert.False(isRead && receipt!.IsGivenBy(log.Key), changed);
            }
        }

        Assert.False(CallReceipt.TryParse("", out _));
        Assert.False(CallReceipt.TryParse(text + ", more=1", out _));
    }

    [Fact]
    public async Task A_receipt_is_no_checkpoint()
    {
        // Proves that what the key signs for receipts cannot stand as the text of a checkpoint: the note made of it is
        // not believed.
        using LogFixture fixture = new();
        await using AuditLog log = LogFixture.Open(fixture.Options);
        string text = Give(log).Text;
        string signature = text[(text.IndexOf("sig=:", StringComparison.Ordinal) + 5)..^1];
        string leaf = text[(text.IndexOf("leaf=:", StringComparison.Ordinal) + 6)..text.LastIndexOf(":, sig",
            StringComparison.Ordinal)];
        byte[] signed = new byte[68];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(signed, log.Key.Id);
        Convert.FromBase64String(signature).CopyTo(signed, 4);
        string body = $"{LogFixture.Origin}\n{Call:D}\n{At.ToUnixTimeMilliseconds()}\n{leaf}\n";
        string note = "countersign.receipt/v1\n" + body + "\n"
            + $"\u2014 {LogFixture.Origin} {Convert.ToBase64String(signed)}\n";
        Assert.NotEqual(
            AuditCheckpointStatus.Ok, AuditCheckpoint.Parse(Encoding.UTF8.GetBytes(note), log.Key, out _));
    }

    private static (string Text, byte[] Intent) Give(AuditLog log)
    {
        Assert.True(log.TryReserve(out AuditReservation slot));
        new CallRecord(CallRecordType.Intent) { Call = Call, At = At }.WriteTo(slot.Intent);
        ArrayBufferWriter<byte> text = new();
        log.WriteReceipt(slot.Intent, Call, At, text);
        byte[] intent = slot.Intent.Written.ToArray();
        log.Return(slot);
        return (Encoding.ASCII.GetString(text.WrittenSpan), intent);
    }
}
