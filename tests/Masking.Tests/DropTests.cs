using System.Text;
using System.Text.Json;

namespace Countersign.Masking.Tests;

public sealed class DropTests
{
    private const int Seeds = 1_500;

    [Fact]
    public void Drops_and_masks_inside_strings_as_the_whole_document_would_have_it()
    {
        // Proves drop with all other actions, and the same rules inside JSON strings two levels deep, against a walk
        // over System.Text.Json's document: what both make of it reads the same, in any chunks.
        int masked = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed * 3);
            byte[] text = [(byte)'[', .. random.Texts(), (byte)']'];
            try
            {
                using var probe = JsonDocument.Parse(text);
            }
            catch (JsonException)
            {
                continue;   // several texts in a row are no array
            }

            byte[] body = text;
            for (int level = random.Next(3); level > 0; level--)
            {
                string inner = JsonSerializer.Serialize(Encoding.UTF8.GetString(body));
                body = Encoding.UTF8.GetBytes("{\"a\":" + inner + "}");
            }

            List<SlowRule> rules = random.Rules(actions: 5);
            MaskProgram program = SlowMask.Compile(rules);
            MaskResult result = MaskRun.Whole(program, body);
            string all = string.Join(' ', rules.Select(rule => rule.Field + rule.Action));
            string how = "seed " + seed + ", rules " + all
                + ", body " + Encoding.UTF8.GetString(body) + ", output " + result.Text;
            Assert.True(result.Status == MaskStatus.Done, how);
            MaskRun.AssertSame(result, MaskRun.Chunks(program, body, random.Sizes()), how);
            MaskRun.AssertSame(result, MaskRun.Chunks(program, body, 1), how);
            Assert.True(Outline(body, rules) == Outline(result.Output, []), how);
            masked += result.Masked;
        }

        Assert.True(masked > Seeds / 2, "only " + masked);
    }

    [Theory]
    [InlineData("""{"t":1,"b":2,"c":3}""", """{"b":2,"c":3}""")]
    [InlineData("""{"a":1,"t":2,"c":3}""", """{"a":1,"c":3}""")]
    [InlineData("""{"a":1,"b":2,"t":[{"t":1}]}""", """{"a":1,"b":2}""")]
    [InlineData("""{"t":1,"t":2}""", "{}")]
    [InlineData("""{ "t" : 1 , "t":2 , "c" : 3 }""", """{     "c" : 3 }""")]
    [InlineData("""[{"t":null},{"a":{"t":1},"t":2}]""", """[{},{"a":{}}]""")]
    public void Drops_a_member_and_one_comma(string body, string expected)
    {
        // Proves which comma goes with a member, at every split.
        MaskProgram program = MaskProgram.Compile([new("t", MaskAction.Drop)]);
        Assert.Equal(expected, MaskRun.EverySplit(program, Encoding.UTF8.GetBytes(body)).Text);
    }

    [Fact]
    public void Drops_elements_and_nulls_a_whole_body()
    {
        // Proves drop for array elements by slice, and that a body's whole value becomes null instead.
        MaskProgram odd = MaskProgram.Compile([new("$[1::2]", MaskAction.Drop)]);
        Assert.Equal("""[0,"b",[4]]""", MaskRun.EverySplit(odd, """[0,"a","b",{"c":3},[4]]"""u8.ToArray()).Text);
        MaskProgram all = MaskProgram.Compile([new("$", MaskAction.Drop)]);
        Assert.Equal("null null", MaskRun.EverySplit(all, """{"a":1} [2]"""u8.ToArray()).Text);
    }

    [Fact]
    public void Refuses_a_gap_that_is_too_long()
    {
        // Proves the bound on what is held between two members: the same refusal and offset whole and in chunks.
        MaskProgram program = MaskProgram.Compile([new("t", MaskAction.Drop)]);
        byte[] body = Encoding.UTF8.GetBytes("""{"a":1,""" + new string(' ', MaskLimits.GapBytesMax + 9) + "\"t\":1}");
        MaskResult whole = MaskRun.Whole(program, body);
        Assert.Equal((MaskStatus.Refused, "too much stands between two members"), (whole.Status, whole.Because));
        MaskRun.AssertSame(whole, MaskRun.Chunks(program, body, 1_000), "in chunks");
    }

    /// <summary>A document without its white space and spellings, masked by <paramref name="rules"/>.</summary>
    private static string Outline(byte[] body, IReadOnlyList<SlowRule> rules)
    {
        using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 256 });
        var text = new StringBuilder();
        Write(document.RootElement, rules, [], text);
        return text.ToString();
    }

    private static bool Write(
        JsonElement value, IReadOnlyList<SlowRule> rules, List<object> location, StringBuilder text)
    {
        MaskAction? action = SlowMask.ActionFor(location, rules);
        if (action == MaskAction.Drop && location.Count > 0) return false;
        if (action == MaskAction.Drop) action = MaskAction.Null;
        if (action is not null && value.ValueKind != JsonValueKind.Null)
        {
            var root = new SlowRule("$", action.Value, null, []);
            string masked = SlowMask.Mask(Encoding.UTF8.GetBytes(value.GetRawText()), [root]).Text;
            using var one = JsonDocument.Parse(masked);
            Write(one.RootElement, [], [], text);
            return true;
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                text.Append('[');
                int index = 0;
                foreach (JsonElement element in value.EnumerateArray())
                {
                    if (Write(element, rules, [.. location, index++], text)) text.Append(',');
                }

                text.Append(']');
                break;
            case JsonValueKind.Object:
                text.Append('{');
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    int before = text.Length;
                    text.Append(JsonSerializer.Serialize(member.Name)).Append(':');
                    if (Write(member.Value, rules, [.. location, member.Name], text)) text.Append(',');
                    else text.Length = before;
                }

                text.Append('}');
                break;
            case JsonValueKind.String when value.GetString()!.StartsWith('{') || value.GetString()!.StartsWith('['):
                text.Append('<').Append(Outline(Encoding.UTF8.GetBytes(value.GetString()!), rules)).Append('>');
                break;
            case JsonValueKind.String:
                text.Append(JsonSerializer.Serialize(value.GetString()));
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }

        return true;
    }
}
