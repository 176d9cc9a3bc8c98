namespace Countersign.Masking.Tests;

public sealed class MaskFieldTests
{
    [Theory]
    [InlineData("ssn")]
    [InlineData("a.b")]
    [InlineData("first name")]
    [InlineData("a$")]
    [InlineData("$")]
    [InlineData("$.a")]
    [InlineData("$._a1.ü")]
    [InlineData("$['a-b'][\"c\"][0][*].*")]
    [InlineData("$..a..['b']..[0]..[*]..*")]
    [InlineData("$[ 'a' ] .b [\t0\n]")]
    [InlineData("$[9007199254740991]")]
    [InlineData("$['']")]
    [InlineData("$[1:]..[:2][ 3 : 9 : 2 ]")]
    public void Takes_what_is_well_formed(string field)
    {
        // Proves that each notation of the subset is taken and compiles.
        Assert.Null(MaskField.Check(field));
        Assert.False(MaskProgram.Compile([new MaskRule(field, MaskAction.Redact)]).IsEmpty);
    }

    [Theory]
    [InlineData("", "character 1: the field is empty")]
    [InlineData(" ssn", "character 1: a name cannot begin with white space (if it must, write $..[' name'])")]
    [InlineData("ssn\n", "character 4: a name cannot end with white space (if it must, write $..['name '])")]
    [InlineData("$a", "character 2: expected '.', '..' or '[' here")]
    [InlineData("$.", "character 3: a name or '*' is missing after the dot")]
    [InlineData("$..", "character 4: a name or '*' is missing after the dot")]
    [InlineData("$...a", "character 4: a name after a dot cannot begin so; write ['name']")]
    [InlineData("$.1a", "character 3: a name after a dot cannot begin so; write ['name']")]
    [InlineData("$.a-b", "character 4: this character cannot stand in a name after a dot; write ['name']")]
    [InlineData("$.a ", "character 4: a path cannot end with white space")]
    [InlineData(
        "$[-1]", "character 3: an index from the end is not supported: it is not known before the array has ended")]
    [InlineData("$[01]", "character 3: an index cannot begin with 0")]
    [InlineData("$[9007199254740992]", "character 3: the index is beyond 2^53 - 1")]
    [InlineData("$[2:2]", "character 3: this slice selects nothing")]
    [InlineData("$[::0]", "character 3: this slice selects nothing")]
    [InlineData(
        "$[:-1]", "character 4: an index from the end is not supported: it is not known before the array has ended")]
    [InlineData("$[0:01]", "character 5: an index cannot begin with 0")]
    [InlineData(
        "$['a','b']", "character 6: several selectors in one bracket are not supported; write one rule for each")]
    [InlineData("$[?@.a]", "character 3: filters are not supported")]
    [InlineData("$[a]", "character 3: expected a quoted name, an index or '*' here")]
    [InlineData("$[", "character 3: expected a quoted name, an index or '*' here")]
    [InlineData("$['a'", "character 6: expected ']' here")]
    [InlineData("$['a", "character 3: the quoted name does not end")]
    [InlineData("$['a\\", "character 5: this is no escape of a quoted name")]
    [InlineData("$['a\\x']", "character 5: this is no escape of a quoted name")]
    [InlineData("$['a\\\"']", "character 5: this is no escape of a quoted name")]
    [InlineData("$['\\ud800']", "character 3: half of a surrogate pair is no character")]
    [InlineData("$['a\tb']", "character 5: a control character must be escaped")]
    public void Says_what_is_wrong_and_where(string field, string wrong)
    {
        // Proves each message and its place, and that Compile refuses the same field.
        Assert.Equal(wrong, MaskField.Check(field));
        Assert.Throws<ArgumentException>(() => MaskProgram.Compile([new MaskRule(field, MaskAction.Redact)]));
    }

    [Fact]
    public void Keeps_its_limits()
    {
        // Proves that half a surrogate pair is refused (no attribute can hold one), and each limit on fields at the
        // last value that fits and the first that does not.
        Assert.Equal("character 2: half of a surrogate pair is no character", MaskField.Check("a\ud800b"));
        Assert.Null(MaskField.Check(new string('a', MaskLimits.FieldCharsMax)));
        Assert.NotNull(MaskField.Check(new string('a', MaskLimits.FieldCharsMax + 1)));
        Assert.Null(MaskField.Check(new string('é', MaskLimits.KeyBytesMax / 2)));
        Assert.NotNull(MaskField.Check(new string('é', (MaskLimits.KeyBytesMax / 2) + 1)));
        Assert.NotNull(MaskField.Check("$." + new string('é', (MaskLimits.KeyBytesMax / 2) + 1)));
        string steps = string.Concat(Enumerable.Repeat(".a", MaskLimits.PathStepsMax));
        Assert.Null(MaskField.Check("$" + steps));
        Assert.Equal("character 130: a path has at most 64 segments", MaskField.Check("$" + steps + ".a"));
    }
}
