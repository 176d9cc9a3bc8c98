namespace Countersign.Masking.Tests;

public sealed class JsonTestSuiteTests
{
    /// <summary>Files that are no JSON text, but a body that may pass: each with the reason.</summary>
    private static readonly Dictionary<string, string> Bodies = new(StringComparer.Ordinal)
    {
        ["n_structure_no_data.json"] = "an empty body holds nothing to mask",
        ["n_single_space.json"] = "a body of white space holds nothing to mask",
        ["n_structure_double_array.json"] = "several texts in a row are taken: [][]",
        ["n_structure_object_with_trailing_garbage.json"] = "several texts in a row are taken",
    };

    /// <summary>Files that another parser may take or not, and that this one refuses, each with the reason.</summary>
    private static readonly HashSet<string> RefusedByChoice = new(StringComparer.Ordinal)
    {
        "i_structure_500_nested_arrays.json",            // deeper than the limit
        "i_structure_UTF-8_BOM_empty_object.json",       // RFC 8259 section 8.1: no byte order mark
        "i_string_UTF-16LE_with_BOM.json",               // the rest is not UTF-8
        "i_string_utf16BE_no_BOM.json",
        "i_string_utf16LE_no_BOM.json",
        "i_string_UTF-8_invalid_sequence.json",
        "i_string_UTF8_surrogate_U+D800.json",
        "i_string_invalid_utf-8.json",
        "i_string_iso_latin_1.json",
        "i_string_lone_utf8_continuation_byte.json",
        "i_string_not_in_unicode_range.json",
        "i_string_overlong_sequence_2_bytes.json",
        "i_string_overlong_sequence_6_bytes.json",
        "i_string_overlong_sequence_6_bytes_null.json",
        "i_string_truncated-utf-8.json",
    };

    private static readonly MaskProgram Empty = MaskProgram.Compile([]);

    private static readonly MaskProgram One = MaskProgram.Compile([new("no such member", MaskAction.Redact)]);

    public static TheoryData<string> Files() => [.. Directory
        .GetFiles(CaseFolder.Find("json", "JSONTestSuite", "test_parsing"))
        .Select(file => Path.GetFileName(file)!)
        .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void File_is_taken_or_refused_as_its_name_says(string file)
    {
        // Proves the grammar against JSONTestSuite: what is JSON leaves unchanged, what is not is refused, at every
        // split.
        byte[] body = File.ReadAllBytes(CaseFolder.Find("json", "JSONTestSuite", "test_parsing", file));
        bool passes = file.StartsWith('n') ? Bodies.ContainsKey(file) : !RefusedByChoice.Contains(file);
        foreach (MaskProgram program in new[] { Empty, One })
        {
            // Two files have 100 000 brackets; the depth limit ends them long before, so their start shows every split.
            MaskResult result = body.Length > 5_000
                ? MaskRun.EverySplit(program, body[..1_000])
                : MaskRun.EverySplit(program, body);
            Assert.Equal((file, passes ? MaskStatus.Done : MaskStatus.Refused), (file, result.Status));
            if (passes) Assert.Equal(body, result.Output);
            Assert.Equal(result.Status, MaskRun.Whole(program, body).Status);
        }
    }

    [Fact]
    public void Suite_is_whole()
    {
        // Proves that the cases above ran: the suite has 95 texts, 188 that are none, and 35 in between.
        string[] files = [.. Files().Select(row => row.Data)];
        Assert.Equal((95, 188, 35), (
            files.Count(file => file.StartsWith('y')),
            files.Count(file => file.StartsWith('n')),
            files.Count(file => file.StartsWith('i'))));
        Assert.All(Bodies.Keys.Concat(RefusedByChoice), name => Assert.Contains(name, files));
    }
}
