using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class OverlapTests
{
    private const DetectorSet Every = EveryWay.Every;
    private const string Key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";

    private static readonly JsonSerializerOptions Spelling =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [InlineData("note", "secret=a1B2c3D4" + Key + " ok", "secret=*** ok")]
    [InlineData("note", Key + "bob@example.com ok", "*** ok")]
    [InlineData("note", "-----BEGIN EC PRIVATE KEY-----\nMI\n" + Key, "***")]
    [InlineData("note", Key + Key, "******")]
    [InlineData("note", "see https://a:4111111111111111@shop.example/x", "see https://***@shop.example/x")]
    [InlineData("note", "https://ada:pw@db.example", "https://***@db.example")]
    [InlineData("note", "https://ada:pw@db.example,jo@b.example", "https://***")]
    [InlineData("note", "https://ada:pw@db.example jo@b.example", "https://***@db.example ***")]
    [InlineData("note", "a@b.co@c.example, 1", "***, 1")]
    [InlineData("note", "token=a1B2c3D4+14155552671,", "token=***,")]
    [InlineData("note", "token=eyJhbGciOiJub25lIn0@a.b1C,e30.e30.", "token=***,e30.e30.")]
    [InlineData("note", "+49 30 901820 4111 1111 1111 1111.", "***.")]
    [InlineData("note", "4111 1111 1111 1111@example.com", "***")]
    [InlineData("secret", "a1B2c3D4" + Key + " ok", "*** ok")]
    [InlineData("secret", "a1B2c3D4 " + Key + "x9", "*** ***x9")]
    [InlineData("secret", Key + "a1B2c3D4 ok", "*** ok")]
    [InlineData("secret", Key + "a1B2c3D4" + Key, "***")]
    [InlineData("secret", "a1B2c3D4,(415) 555-2671 ok", "*** ok")]
    public void What_reaches_further_is_not_hidden(string name, string given, string expected)
    {
        // Proves that what overlaps what was found is masked with it.
        EveryWay.AssertMasks(name, given, expected);
    }

    [Fact]
    public void All_mask_what_each_alone_masks()
    {
        // Proves on texts of pieces that overlap that each byte which a detector alone masks is masked when all look,
        // and that no more is masked than one of them finds somewhere. The host of a URL behind user and password is
        // none of an address.
        int overlaps = 0;
        for (int seed = 1; seed <= 6_000; seed++)
        {
            byte[] value = RandomText.Overlapping(new Random(seed));
            bool isTelling = seed % 3 == 0;
            bool[] masked = Masked(value, Every, isTelling);
            bool[] users = Masked(value, DetectorSet.BasicAuthUrl, isTelling);
            int parts = 0;
            for (uint bit = 1; bit <= (uint)DetectorSet.HighEntropy; bit <<= 1)
            {
                bool[] alone = Masked(value, (DetectorSet)bit, isTelling);
                if ((DetectorSet)bit == DetectorSet.Email) ClearHosts(value, users, alone);
                parts += alone.Count(one => one);
                for (int place = 0; place < value.Length; place++)
                {
                    Assert.True(masked[place] || !alone[place],
                        $"seed {seed}, {(DetectorSet)bit} at {place}: {Encoding.UTF8.GetString(value)}");
                }
            }

            if (parts > masked.Count(one => one)) overlaps++;
        }

        Assert.True(overlaps > 1_000, "too little overlapped to prove anything: " + overlaps);
    }

    [Fact]
    public void Bodies_say_so_at_every_width()
    {
        // Proves of the same texts as values, beside names that tell and that do not, that windows of every width mask
        // what single bytes do.
        MaskProgram program = MaskProgram.Compile([new("", MaskAction.Redact) { Detect = Every }]);
        for (int seed = 1; seed <= 800; seed++)
        {
            var random = new Random(seed);
            string value = JsonSerializer.Serialize(Encoding.UTF8.GetString(RandomText.Overlapping(random)), Spelling);
            string name = random.Next(2) == 0 ? "secret" : "note";
            byte[] body = Encoding.UTF8.GetBytes($"[\"{new string('.', random.Next(70))}\",{{\"{name}\":{value}}}]");
            MaskResult single = MaskRun.Chunks(program, body, 1);
            foreach (BlockWidth width in Enum.GetValues<BlockWidth>())
            {
                MaskResult whole = MaskRun.Chunks(new JsonMasker(width), program, body, null, body.Length);
                MaskRun.AssertSame(single, whole, $"seed {seed}, {width}: {Encoding.UTF8.GetString(body)}");
            }
        }
    }

    [Theory]
    [InlineData(MaskAction.KeepLast4, MaskAction.Redact, "see ***")]
    [InlineData(MaskAction.Redact, MaskAction.KeepLast4, "see ***")]
    [InlineData(MaskAction.KeepLast4, MaskAction.KeepLast4, "see ***************************.com")]
    public void What_leaves_least_counts(MaskAction ofCards, MaskAction ofAddresses, string expected)
    {
        // Proves that of detections that overlap the strictest action decides, in whichever place: else what one hides
        // is shown by the other.
        MaskProgram program = MaskProgram.Compile(
        [
            new("", ofCards) { Detect = DetectorSet.PaymentCard }, new("", ofAddresses) { Detect = DetectorSet.Email },
        ]);
        byte[] body = Encoding.UTF8.GetBytes("[\"see 4111 1111 1111 1111@example.com\"]");
        Assert.Equal($"[\"{expected}\"]", MaskRun.EverySplit(program, body).Text);
    }

    [Fact]
    public void What_goes_on_for_longer_than_text_is_held_is_dropped()
    {
        // Proves of addresses in one another and of secrets, keys and tokens in their rows, longer than what is held,
        // that text leaves as it does in one piece, whatever the chunks.
        string addresses = string.Concat(Enumerable.Range(0, 6_000).Select(number => "a" + number + "@b.co"));
        string token = "eyJhbGciOiJub25lIn0." + new string('e', 9_000) + ".";
        string other = "-----BEGIN EC PRIVATE KEY-----\n" + new string('M', 30_000);
        string[] bodies =
        [
            "to " + addresses + ", ok 1", "to " + addresses + Key + "\nok", "-" + Key + addresses + ",\n" + addresses,
            $"secret=a1B2c3D4-----BEGIN PRIVATE KEY-----\n{new string('M', 30_000)}\n{token}x@b.example ok",
            $"{addresses[..15_000]}-----BEGIN PRIVATE KEY-----\n{new string('M', 30_000)}\n{token}x@b.example ok",
            $"{addresses[..17_000]}{other}\n{Key}(1) ok {Key}a@b.example",
        ];
        foreach (string body in bodies)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(body);
            var expected = new StringBuilder();
            int from = 0;
            int count = 0;
            for (; ValueDetector.TryFind(bytes, Every, from, false, out Detection found); from = found.End, count++)
                expected.Append(Encoding.UTF8.GetString(bytes[from..found.Start])).Append("***");
            expected.Append(Encoding.UTF8.GetString(bytes[from..]));
            foreach (int size in new[] { 1, 1_000, 16_384, 70_000 })
                Assert.Equal((expected.ToString(), count), EveryWay.Text(bytes, size, size));
        }
    }

    private static void ClearHosts(byte[] value, bool[] users, bool[] addresses)
    {
        for (int place = 1; place < value.Length; place++)
        {
            bool isSign = value[place] == '@' && users[place - 1] && !users[place];
            for (int host = place; isSign && host < value.Length && addresses[host]; host++) addresses[host] = false;
        }
    }

    private static bool[] Masked(byte[] value, DetectorSet wanted, bool isTelling)
    {
        bool[] masked = new bool[value.Length];
        int from = 0;
        while (ValueDetector.TryFind(value, wanted, from, isTelling, out Detection found))
        {
            masked.AsSpan(found.Start, found.Length).Fill(true);
            from = found.End;
        }

        return masked;
    }
}
