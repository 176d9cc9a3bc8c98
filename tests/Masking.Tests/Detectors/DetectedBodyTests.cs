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
            DetectorSet wanted = random.Next(2) == 0 ? (DetectorSet)1023 : (DetectorSet)random.Next(1, 1024);
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
