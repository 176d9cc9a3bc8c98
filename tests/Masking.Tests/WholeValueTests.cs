using System.Buffers;
using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests;

public sealed class WholeValueTests
{
    private static readonly TokenKey Key = TokenKey.From("0123456789abcdef"u8);

    private static readonly MaskProgram Detecting = MaskProgram.Compile(
    [
        new("", MaskAction.KeepLast4) { Detect = DetectorSet.PaymentCard },
        new("", MaskAction.Redact) { Detect = DetectorSet.Email },
    ]);

    [Theory]
    [InlineData("""["4242424242424242"]""", """["************4242"]""", 1)]
    [InlineData("""["pay 4242 4242 4242 4242, to a@example.test."]""", """["pay ***************4242, to ***."]""", 2)]
    [InlineData("""["\u0034242424242424242\n"]""", """["************4242\n"]""", 1)]
    [InlineData("""["\ud834\udd1e a\u0040example.test \/"]""", """["\ud834\udd1e *** \/"]""", 1)]
    [InlineData(
        """{"n":4242424242424242,"m":4242424242424241}""", """{"n":"************4242","m":4242424242424241}""", 1)]
    [InlineData("""4242424242424242""", "\"************4242\"", 1)]
    [InlineData("""{"a@example.test":1}""", """{"a@example.test":1}""", 0)]
    public void Masks_what_was_found_and_keeps_the_rest(string body, string expected, int masked)
    {
        // Proves detection in strings, with escapes kept as they were spelled, and in numbers, at every split.
        MaskResult result = MaskRun.EverySplit(Detecting, Encoding.UTF8.GetBytes(body));
        Assert.Equal((expected, masked, MaskStatus.Done), (result.Text, result.Masked, result.Status));
    }

    [Theory]
    [InlineData(MaskAction.Null, """{"a":null,"b":null,"c":"x"}""")]
    [InlineData(MaskAction.Drop, """{"c":"x"}""")]
    public void Takes_the_whole_value_for_null_and_drop(MaskAction action, string expected)
    {
        // Proves that a string goes whole where its action leaves nothing, with the member's comma, at every split.
        MaskProgram program = MaskProgram.Compile([new("", action) { Detect = DetectorSet.Email }]);
        byte[] body = """{"a":"to a@example.test","b":"x@example.test","c":"x"}"""u8.ToArray();
        MaskResult result = MaskRun.EverySplit(program, body);
        Assert.Equal((expected, 2), (result.Text, result.Masked));
    }

    [Fact]
    public void Tokens_are_stable_per_class_and_tell_nothing()
    {
        // Proves that the same value gives one token however it is spelled and wherever it stands, another in another
        // class or under another key, and that what is no string or number is redacted.
        static MaskRule Rule(string field, string set, TokenKey key) =>
            new(field, MaskAction.Tokenize) { Key = key, Class = set };
        MaskProgram program = MaskProgram.Compile(
            [Rule("a", "x", Key), Rule("b", "x", Key), Rule("c", "y", Key),
             Rule("d", "x", TokenKey.From("another key of 16"u8))]);
        byte[] body = """{"a":"12","b":"\u00312","c":"12","d":"12","a":12,"b":true,"c":[1],"d":null}"""u8.ToArray();
        string[] values = MaskRun.EverySplit(program, body).Text[1..^1].Split(',')
            .Select(member => member[4..]).ToArray();
        Assert.StartsWith("\"tok_", values[0], StringComparison.Ordinal);
        Assert.Equal(28, values[0].Length);
        Assert.Equal((values[0], values[0]), (values[1], values[4]));
        Assert.Equal(3, new[] { values[0], values[2], values[3] }.Distinct().Count());
        Assert.Equal(["\"***\"", "\"***\"", "null"], values[5..]);
        Assert.Throws<ArgumentException>(() => MaskProgram.Compile([new("a", MaskAction.Tokenize)]));
        Assert.Throws<ArgumentException>(() => TokenKey.From("short"u8));
    }

    [Theory]
    [InlineData("""{"ssn":"1"}""", """{\"ssn\":\"***\"}""")]
    [InlineData(""" [{"a": 1, "ssn" : 2}]""", """ [{\"a\": 1, \"ssn\" : \"***\"}]""")]
    [InlineData("""{"ssn":"1"} {"ssn":2}""", """{\"ssn\":\"***\"} {\"ssn\":\"***\"}""")]
    [InlineData("""{"a":"b"}""", """{\"a\":\"b\"}""")]
    [InlineData("""{"a":1""", null)]
    [InlineData("""{"a":1} and more""", null)]
    [InlineData("""{"a":1,}""", null)]
    [InlineData("[note] see above", "[note] see above")]
    [InlineData("{name}", "{name}")]
    [InlineData("plain", "plain")]
    public void Masks_JSON_inside_a_string(string inside, string? expected)
    {
        // Proves that JSON in a string is masked in place, that what breaks off or goes on is hidden, and that other
        // text which begins alike stays; at every split.
        MaskProgram program = MaskProgram.Compile([new("ssn", MaskAction.Redact)]);
        string body = "{\"text\":\"" + inside.Replace("\"", "\\\"", StringComparison.Ordinal) + "\",\"z\":1}";
        MaskResult result = MaskRun.EverySplit(program, Encoding.UTF8.GetBytes(body));
        Assert.Equal("{\"text\":\"" + (expected ?? "***") + "\",\"z\":1}", result.Text);
    }

    [Theory]
    [InlineData("{\"a\nb\":1,\"ssn\":\"SECRET12\"}")]
    [InlineData("{\"a\\qb\":1,\"other\":\"SECRET12\"}")]
    [InlineData("[\"a\" {\"ssn\":\"SECRET12\"}]")]
    [InlineData("{ /* c */ \"ssn\":\"SECRET12\"}")]
    [InlineData("[{},,{\"ssn\":\"SECRET12\"}]")]
    [InlineData("[[01],{\"ssn\":1}]")]
    [InlineData("[0x1,{\"SSN\":1}]")]
    [InlineData("[\n// c\n{\"ssn\":1}]")]
    [InlineData("{}garbage{\"ssn\":1}")]
    [InlineData("\uFEFF {ssn:1}")]
    [InlineData(" \uFEFF{'ssn':1}")]
    [InlineData("\u00a0{ssn:1}")]
    [InlineData("[NaN,{\"\\u0073sn\":1}]")]
    [InlineData("[NaN,{\"credit_card\":1}]")]
    [InlineData("[NaN,{CreditCard:1}]")]
    [InlineData("[NaN,{\"credit card_\":1}]")]
    [InlineData("[NaN,{\"Exact\":1}]")]
    [InlineData("{by:{pin:1}}")]
    [InlineData("\"{\\\"ssn\\\":1\" and more")]
    [InlineData("\"\\n\\u007b\\\"ssn\\\":1} and more")]
    public void Hides_what_only_a_lax_reader_takes_for_JSON(string inside)
    {
        // Proves that a string which begins like JSON, breaks off before a name was read and holds one that is looked
        // for, by each way of comparing, is hidden whole, at every split and however it is escaped.
        MaskProgram program = MaskProgram.Compile(
        [
            new("ssn", MaskAction.Redact), new("credit-card", MaskAction.Null) { Names = MaskNames.FoldSeparators },
            new("Exact", MaskAction.Redact) { Names = MaskNames.Exact }, new("$.by.*", MaskAction.Redact),
        ]);
        Assert.Equal("""{"text":"***","z":1}""", Mask(program, Text(inside)));
        Assert.Equal("""{"text":"***","z":1}""", Mask(program, JsonEscaped(inside)));
    }

    [Theory]
    [InlineData("[INFO] started")]
    [InlineData("[note] a lessn, ssnap, exact, by-passing")]
    [InlineData("{name}")]
    [InlineData("[0x1,{\"other\":1}]")]
    [InlineData("\"hello\" he said")]
    [InlineData("\"[hello]\" he said")]
    [InlineData("\"\\\"hello\\\" he said")]
    [InlineData("\"\\\\server\\n\"")]
    [InlineData("\"")]
    public void Leaves_text_that_begins_like_JSON(string inside)
    {
        // Proves that text without a name that is looked for stays, also where one is part of another word.
        MaskProgram program = MaskProgram.Compile(
            [new("ssn", MaskAction.Redact), new("Exact", MaskAction.Redact) { Names = MaskNames.Exact }]);
        Assert.Equal(Text(inside), Mask(program, Text(inside)));
    }

    [Theory]
    [InlineData("$.*", "\"***\"")]
    [InlineData("$[0]", "1")]
    [InlineData("$['']", "1")]
    public void Hides_what_begins_like_JSON_where_no_name_tells(string path, string other)
    {
        // Proves that under a path that selects by place alone, JSON for lax readers is hidden whatever it holds.
        MaskProgram program = MaskProgram.Compile([new(path, MaskAction.Redact)]);
        Assert.Equal("""{"text":"***","z":""" + other + "}", Mask(program, Text("[0x1,{a:2}]")));
    }

    [Theory]
    [InlineData("""{"ssn": "SECRET"}""", """{"ssn": "***"}""")]
    [InlineData("""  [{"ssn":"SE\"CRET","a":"b\"c"}] """, """  [{"ssn":"***","a":"b\"c"}] """)]
    [InlineData("""{"a":"b"}""", """{"a":"b"}""")]
    [InlineData("\u00a0{\"ssn\":1}", "\u00a0{\"ssn\":\"***\"}")]
    public void Masks_JSON_that_is_a_string_in_a_string(string inside, string expected)
    {
        // Proves that what was made JSON twice is opened twice, with the rest as it was spelled, at every split; and
        // that a third time is below the last level, and hidden.
        MaskProgram program = MaskProgram.Compile([new("ssn", MaskAction.Redact)]);
        string Twice(string text) => Text(" " + JsonString(text));
        Assert.Equal(Twice(expected), Mask(program, Twice(inside)));
        string Thrice(string text) => Text(JsonString(JsonString(text)));
        Assert.Equal(Thrice("***"), Mask(program, Thrice(inside)));
    }

    [Theory]
    [MemberData(nameof(BlockWidths.All), MemberType = typeof(BlockWidths))]
    public void Looks_into_strings_alike_at_each_width(byte width)
    {
        // Proves that blocks of each width find JSON in strings in strings, and what only lax readers take, as the
        // byte-by-byte scanner does, wherever in a block the string begins.
        MaskProgram program = MaskProgram.Compile([new("ssn", MaskAction.Redact)]);
        string[] insides = [JsonString("{\"ssn\":1}"), "[0x1,{\"ssn\":1}]", "\u00a0{ssn:1}", "\"hello\" he said"];
        foreach (string inside in insides)
        {
            for (int before = 0; before < 80; before++)
            {
                string pad = new('x', before);
                string text = "[\"" + pad + "\"," + Text(inside + pad) + ",\"" + pad + pad + "\"]";
                byte[] body = Encoding.UTF8.GetBytes(text);
                MaskResult expected = MaskRun.Chunks(program, body, 1);
                var masker = new JsonMasker((BlockWidth)width);
                MaskRun.AssertSame(expected, MaskRun.Chunks(masker, program, body, null, body.Length), inside);
                Assert.Equal(inside[1] == 'h', expected.Masked == 0);
            }
        }
    }

    [Fact]
    public void Hides_JSON_that_lies_too_deep()
    {
        // Proves the bound of JSON in strings: the last level is masked, the one below it hidden, and 0 turns it off.
        string body = "{\"ssn\":1}";
        for (int level = 0; level <= MaskLimits.NestedDepthMax; level++)
            body = System.Text.Json.JsonSerializer.Serialize(new { a = body });
        MaskRule[] rules = [new("ssn", MaskAction.Redact)];
        MaskResult deep = MaskRun.EverySplit(MaskProgram.Compile(rules), Encoding.UTF8.GetBytes(body));
        Assert.DoesNotContain("ssn", deep.Text, StringComparison.Ordinal);
        Assert.Contains("***", deep.Text, StringComparison.Ordinal);
        MaskProgram flat = MaskProgram.Compile(rules, new MaskOptions { NestedDepth = 0 });
        Assert.Equal(body, MaskRun.EverySplit(flat, Encoding.UTF8.GetBytes(body)).Text);
    }

    [Fact]
    public void Refuses_what_is_too_long_alike_in_any_chunks()
    {
        // Proves the bounds on held values, on numbers and on names that fold: reason, offset and output.
        MaskProgram small = MaskProgram.Compile(
            [new("", MaskAction.Redact) { Detect = DetectorSet.Email }], new MaskOptions { ValueBytesMax = 100 });
        MaskProgram folds = MaskProgram.Compile([new("a_b", MaskAction.Redact) { Names = MaskNames.FoldSeparators }]);
        AssertRefused(small, "[1,\"" + new string('x', 200) + "\"]", MaskRefusal.ValueTooLong, "[1,");
        AssertRefused(small, "[1,\"" + new string('x', 200), MaskRefusal.ValueTooLong, "[1,");
        AssertRefused(folds, "[" + new string('1', 2_000) + "]", MaskRefusal.NumberTooLong, null);
        AssertRefused(folds, "{\"" + new string('_', 2_000) + "\":1}", MaskRefusal.KeyTooLong, null);
    }

    [Theory]
    [InlineData(
        MaskNames.FoldSeparators, "credit_card creditCard Credit-Card CREDITCARD credit.card _credit-card_", "")]
    [InlineData(MaskNames.FoldCase, "credit_card Credit_Card", "creditCard creditcard")]
    [InlineData(MaskNames.Usual, "credit_card CREDIT_CARD", "creditCard")]
    [InlineData(MaskNames.Exact, "credit_card", "Credit_card creditCard")]
    public void Compares_names_as_the_rule_says(MaskNames names, string hit, string missed)
    {
        // Proves each folding by keys that it must and must not take, for a bare name.
        MaskProgram program = MaskProgram.Compile([new("credit_card", MaskAction.Null) { Names = names }]);
        foreach (string key in hit.Split(' '))
            Assert.Equal("{\"" + key + "\":null}", Mask(program, "{\"" + key + "\":1}"));
        foreach (string key in missed.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            Assert.Equal("{\"" + key + "\":1}", Mask(program, "{\"" + key + "\":1}"));
    }

    [Fact]
    public void A_listener_hears_where_and_why_and_changes_nothing()
    {
        // Proves paths, rules and detectors of findings, inside strings too, and that the output is the same.
        MaskProgram program = MaskProgram.Compile(
            [new("ssn", MaskAction.Redact), new("", MaskAction.Redact) { Detect = DetectorSet.Email }]);
        byte[] body = """{"a'b":[1,{"ssn":2}],"t":"{\"ssn\":1}","m":"a@example.test","u":"{\"x\":"}"""u8.ToArray();
        var listener = new Listener();
        var masker = new JsonMasker();
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(program, listener);
        masker.Write(body, output);
        Assert.Equal(MaskStatus.Done, masker.Finish(output));
        Assert.Equal(MaskRun.Whole(program, body).Output, output.WrittenSpan.ToArray());
        Assert.Equal(
            [@"$['a\'b'][1]['ssn'] 0 None", "$['t']~$['ssn'] 0 None", "$['m'] 1 Email", "$['u'] -1 None"],
            listener.Heard);
    }

    private static string Text(string inside) => "{\"text\":" + JsonString(inside) + ",\"z\":1}";

    private static string JsonEscaped(string inside) => "{\"text\":\""
        + string.Concat(inside.Select(one => $"\\u{(int)one:x4}")) + "\",\"z\":1}";

    private static string JsonString(string text) => "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal) + "\"";

    private static string Mask(MaskProgram program, string body) =>
        MaskRun.EverySplit(program, Encoding.UTF8.GetBytes(body)).Text;

    private static void AssertRefused(MaskProgram program, string body, MaskRefusal because, string? output)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        MaskResult whole = MaskRun.Whole(program, bytes);
        Assert.Equal((MaskStatus.Refused, Refusals.TextOf(because)), (whole.Status, whole.Because));
        if (output is not null) Assert.Equal(output, whole.Text);
        foreach (int size in new[] { 1, 7, 64, 100, 150 })
            MaskRun.AssertSame(whole, MaskRun.Chunks(program, bytes, size), because + " in " + size);
    }

    private sealed class Listener : IMaskListener
    {
        public List<string> Heard { get; } = [];

        public void Masked(MaskFinding finding) =>
            Heard.Add(finding.Path + " " + finding.Rule + " " + finding.Detector);
    }
}
