using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests;

public sealed class BlockWindowTests
{
    [Fact]
    public void An_element_that_is_hit_hides_no_JSON_before_it()
    {
        // Proves that what a path says of an element is not said of a string that holds JSON earlier in the window.
        MaskProgram program = MaskProgram.Compile([new("$.q[1]", MaskAction.Redact), new("email", MaskAction.Null)]);
        string body = "{\"q\":[{\"x\":\"{\\\"email\\\":\\\"q\\\",\\\"z\\\":1}\",\"y\":\"[note]\"},\"s\"],\"z\":1}";
        MaskResult result = MaskRun.EverySplit(program, Encoding.UTF8.GetBytes(body));
        Assert.Equal(body.Replace("\\\"q\\\"", "null").Replace("\"s\"", "\"***\""), result.Text);
    }

    [Fact]
    public void A_telling_name_is_forgotten_with_its_body()
    {
        // Proves that a name that tells of a secret, last in one body, says nothing of the next.
        var masker = new JsonMasker();
        MaskProgram telling = MaskProgram.Compile(
            [new("", MaskAction.Redact) { Detect = DetectorSet.HighEntropy | DetectorSet.CloudKey }]);
        MaskProgram keys = MaskProgram.Compile([new("", MaskAction.Redact) { Detect = DetectorSet.CloudKey }]);
        byte[] body = "{\"password\":\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"}"u8.ToArray();
        MaskResult first = MaskRun.Chunks(keys, body, body.Length);
        MaskRun.Chunks(masker, telling, body, null, body.Length);
        MaskRun.AssertSame(first, MaskRun.Chunks(masker, keys, body, null, body.Length), "behind a telling name");
    }

    [Fact]
    public void Windows_that_follow_each_other_say_what_single_bytes_say()
    {
        // Proves that bodies of several windows, sound and damaged, come out as they do byte by byte, whole, in pieces
        // of 4 KiB and of any size, under names, paths and detectors.
        for (int seed = 1; seed <= 120; seed++)
        {
            var random = new RandomBody(seed * 13);
            var bytes = new List<byte>();
            while (bytes.Count < 12_000) bytes.AddRange([(byte)'[', .. random.Texts(), (byte)']', (byte)'\n']);
            byte[] body = [.. bytes];
            if (seed % 2 == 0)
                body[random.Next(body.Length)] = "{}[]:,\"\\ 019.-+eEtfnu/\t\u0001\u00e9"u8[random.Next(26)];
            MaskProgram program = SlowMask.Compile(random.Rules());
            if (seed % 5 == 0)
            {
                program = MaskProgram.Compile(
                    [new("$..[1]", MaskAction.Redact), new("", MaskAction.KeepLast4) { Detect = (DetectorSet)1023 }]);
            }

            MaskResult expected = MaskRun.Chunks(program, body, 1);
            string how = "seed " + seed;
            MaskRun.AssertSame(expected, MaskRun.Chunks(program, body, body.Length), how);
            MaskRun.AssertSame(expected, MaskRun.Chunks(program, body, 4_096), how);
            MaskRun.AssertSame(expected, MaskRun.Chunks(program, body, [.. random.Sizes(), 1_777]), how);
        }
    }
}
