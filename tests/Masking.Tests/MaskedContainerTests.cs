using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests;

public sealed class MaskedContainerTests
{
    private const DetectorSet Detected = DetectorSet.PaymentCard | DetectorSet.Email;

    private static readonly MaskRule Detecting = new("", MaskAction.Redact) { Detect = Detected };

    private static readonly MaskProgram[] Programs =
    [
        MaskProgram.Compile([new("card", MaskAction.Redact), new("notes", MaskAction.Null)]),
        MaskProgram.Compile([new("card", MaskAction.Redact), new("id", MaskAction.KeepLast4), Detecting]),
        MaskProgram.Compile([new("card", MaskAction.KeepLast4), new("a longer name than 16 bytes", MaskAction.Redact)]),
        MaskProgram.Compile([new("$[1:4]", MaskAction.Redact), new("id", MaskAction.Redact)]),
        MaskProgram.Compile([new("$[*].notes[0]", MaskAction.Null), new("$..card", MaskAction.Redact), Detecting]),
        MaskProgram.Compile([new("$[2].card", MaskAction.Redact), new("$[*].notes[1:3].id", MaskAction.Redact)]),
        MaskProgram.Compile(
            [new("$[5].end", MaskAction.Redact), new("notes", MaskAction.Redact), new("pan", MaskAction.Null)]),
        MaskProgram.Compile([new("$[3].notes", MaskAction.Null), new("card", MaskAction.Redact), Detecting]),
    ];

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void A_container_is_masked_as_byte_by_byte_wherever_windows_cut_it(byte width)
    {
        // Proves that what windows mask whole (what lies in one, what goes on over several, what is cut by a chunk's
        // end and read again) leaves what the scanner leaves, and that nothing within is looked at.
        var masker = new JsonMasker((BlockWidth)width);
        for (int shift = 0; shift < 130; shift += 3)
        {
            byte[] body = Body(shift);
            foreach (MaskProgram program in Programs)
            {
                MaskResult expected = MaskRun.Chunks(program, body, 1);
                Assert.Equal(MaskStatus.Done, expected.Status);
                foreach (int[] sizes in new int[][] { [body.Length], [700 + shift, 1_500], [4_096], [200 + shift, 64] })
                {
                    string how = $"shift {shift}, chunks of {string.Join(", ", sizes)}";
                    MaskRun.AssertSame(expected, MaskRun.Chunks(masker, program, body, null, sizes), how);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void What_is_wrong_in_a_masked_container_refuses_the_body(byte width)
    {
        // Proves that what is masked is held to the grammar all the same.
        var masker = new JsonMasker((BlockWidth)width);
        foreach (string wrong in new[] { "01", "nul", "\"\u0001\"", "[1}", "{\"a\"}", "\"\\x\"", "1 2" })
        {
            foreach (int before in new[] { 10, 5_000 })
            {
                string text = $"{{\"card\":[{new string(' ', before)}{wrong},{new string(' ', 300)}2],\"x\":1}}";
                byte[] body = Encoding.UTF8.GetBytes(text);
                MaskResult expected = MaskRun.Chunks(Programs[0], body, 1);
                Assert.Equal(MaskStatus.Refused, expected.Status);
                MaskRun.AssertSame(expected, MaskRun.Chunks(masker, Programs[0], body, null, body.Length), wrong);
            }
        }
    }

    // Records with containers from none to more than a window, in which stands what rules look for, too.
    private static byte[] Body(int shift)
    {
        var text = new StringBuilder("[").Append(' ', shift);
        int[] notes = [0, 1, 3, 40, 2, 300, 0, 7, 1, 60, 2];
        for (int record = 0; record < notes.Length; record++)
        {
            if (record > 0) text.Append(',');
            text.Append("{\"id\":").Append(record).Append(",\"mail\":\"").Append('a', record * shift % 50)
                .Append("@example.test\",\"card\":{\"pan\":\"4242424242424242\",\"mails\":[\"x@y.test\",\"")
                .Append('b', 40).Append("\"],\"id\":[{},[]]},\"notes\":[");
            for (int note = 0; note < notes[record]; note++)
                text.Append(note > 0 ? "," : "").Append("{\"id\":").Append(note).Append(",\"card\":\"x@y.test\"}");
            text.Append("],\"a longer name than 16 bytes\":{\"x\":").Append(record).Append("},\"end\":true}");
        }

        return Encoding.UTF8.GetBytes(text.Append(']').ToString());
    }
}
