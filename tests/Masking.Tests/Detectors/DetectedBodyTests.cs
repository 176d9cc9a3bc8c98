using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Detectors;

public sealed class DetectedBodyTests
{
    private const int Seeds = 1_200;

    private static readonly string[] Names =
    [
        "note", "a", "", "id", "api_secret", "to\\u006ben", "PWD", "db.pwd", "toke_n", "t-o-k-e-n", "pwd_", "pwd__-",
        "apiKeÿy", "session id", "orderId", "passwordPolicy", "_", "é",
    ];

    private static readonly JsonSerializerOptions Spelling =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [InlineData((byte)MaskAction.Redact)]
    [InlineData((byte)MaskAction.KeepLast4)]
    [InlineData((byte)MaskAction.Null)]
    public void Windows_find_what_single_bytes_find(byte action)
    {
        // Proves that values in which blocks have marks are judged as values read byte by byte are, each by itself:
        // near hits of every detector beside names that tell and names that do not, in strings, escaped strings and
        // numbers, in chunks that cut them and chunks that do not.
        int masked = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            byte[] body = Body(random);
            DetectorSet wanted = random.Next(2) == 0 ? EveryWay.Every : (DetectorSet)random.Next(1, 1024);
            MaskProgram program = MaskProgram.Compile([new("", (MaskAction)action) { Detect = wanted }]);
            MaskResult expected = MaskRun.Chunks(program, body, 1);
            string how = $"seed {seed}, {wanted}: {Encoding.UTF8.GetString(body)}";
            Assert.True(expected.Status == MaskStatus.Done, how);
            MaskRun.AssertSame(expected, MaskRun.Whole(program, body), how);
            MaskRun.AssertSame(expected, MaskRun.Chunks(program, body, 1 + random.Next(700)), how);
            masked += expected.Masked;
        }

        Assert.True(masked > Seeds, "too little was masked to prove anything: " + masked);
    }

    [Fact]
    public void Windows_find_the_numbers_that_single_bytes_find()
    {
        // Proves that a number is left unread only where its first groups are nobody's: groups of digits at every place
        // of a block and across blocks, near cards, social security numbers, telephones and accounts, in windows of
        // more than eight blocks; addresses and URLs far apart among them.
        int masked = 0;
        for (int seed = 1; seed <= Seeds / 2; seed++)
        {
            var random = new Random(seed);
            byte[] body = Encoding.UTF8.GetBytes(Numbers(random));
            DetectorSet wanted = random.Next(2) == 0 ? EveryWay.Every : (DetectorSet)random.Next(1, 1024);
            MaskProgram program = MaskProgram.Compile([new("", MaskAction.Redact) { Detect = wanted }]);
            MaskResult expected = MaskRun.Chunks(program, body, 1);
            string how = $"seed {seed}, {wanted}: {Encoding.UTF8.GetString(body)}";
            Assert.True(expected.Status == MaskStatus.Done, how);
            MaskRun.AssertSame(expected, MaskRun.Whole(program, body), how);
            MaskRun.AssertSame(expected, MaskRun.Chunks(program, body, 1 + random.Next(1_500)), how);
            masked += expected.Masked;
        }

        Assert.True(masked > Seeds, "too little was masked to prove anything: " + masked);
    }

    private static string Numbers(Random random)
    {
        string[] texts =
        [
            "4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "6304000000000000000", "601111111111111-17",
            "415-555-2671", "1 415.555.2671", "(415) 555-2671", "415.555.2671", "+1 (415) 555-2671", "020 7946 0958",
            "01.23.45.67.89", "0171/123456-78", "0044 20 7946 0958", "005952636-88", "+49 30 901820", "492-37-1234",
            "GB82WEST12345698765432", "2013-08-31 00:29:15", "505874924095815681", "1.25", "12345678901234567890123",
            "https://a:b@c.example", "https://example.test/", "a@example.test", " @a.test", "001 01 0001",
            "é@example.test",
        ];
        var text = new StringBuilder("[");
        for (int value = 1 + random.Next(120); value > 0; value--)
        {
            bool isNumber = random.Next(6) == 0;
            if (!isNumber) text.Append('"').Append('.', random.Next(3) == 0 ? random.Next(70) : 0);
            if (!isNumber && random.Next(3) == 0) text.Append(texts[random.Next(texts.Length)]);
            else if (!isNumber && random.Next(2) == 0) Groups(random, text);
            if (isNumber) text.Append("-"[random.Next(2)..]).Append(random.NextInt64(1, 1L << random.Next(10, 62)));
            if (isNumber && random.Next(2) == 0) text.Append(random.Next(2) == 0 ? ".4111111111111111" : "e+415555267");
            if (!isNumber) text.Append(" .,-x"[random.Next(5)]).Append(random.Next(4) == 0 ? "\\n\"" : "\"");
            text.Append(random.Next(2) == 0 ? "," : " , ");
        }

        return text.Append("4111111111111111]").ToString();
    }

    private static void Groups(Random random, StringBuilder text)
    {
        const string Parts = " -./()+";
        char part = Parts[random.Next(3)];
        for (int group = 1 + random.Next(5); group > 0; group--)
        {
            for (int digit = 1 + random.Next(random.Next(2) == 0 ? 4 : 9); digit > 0; digit--)
                text.Append((char)('0' + random.Next(10)));
            text.Append(random.Next(4) == 0 ? Parts[random.Next(Parts.Length)] : part);
        }
    }

    private static byte[] Body(Random random)
    {
        var text = new StringBuilder("[");
        for (int member = 1 + random.Next(12); member > 0; member--)
        {
            string name = Names[random.Next(Names.Length)];
            text.Append("{\"").Append(name).Append(random.Next(2) == 0 ? "\":" : "\" : ").Append(Value(random));
            text.Append(random.Next(2) == 0 ? "}," : "} , ");
        }

        return Encoding.UTF8.GetBytes(text.Append("0]").ToString());
    }

    private static string Value(Random random)
    {
        if (random.Next(6) == 0) return random.Next(2) == 0 ? "4111111111111111" : "4" + random.NextInt64(1L << 52);
        string value = Encoding.UTF8.GetString(RandomText.Of(random));
        if (random.Next(5) == 0) value = new string('.', random.Next(130)) + " " + value;
        string spelled = JsonSerializer.Serialize(value, Spelling);
        return random.Next(5) == 0 ? spelled.Replace("/", "\\/", StringComparison.Ordinal) : spelled;
    }
}
