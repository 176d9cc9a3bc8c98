namespace Countersign.Policy.Tests.Conditions;

/// <summary>Rows of terms under one operator, which are long and not deep.</summary>
public sealed class LongRowTests
{
    [Theory]
    [InlineData(" || ", "args.f", "args.t")]
    [InlineData(" && ", "args.t", "args.f")]
    public void A_row_is_as_long_as_the_text_may_be(string sign, string silent, string decisive)
    {
        // Proves that no row is refused as nested, and that its last term still decides; by one of 400 terms. What is
        // nested in earnest stays refused.
        string[] terms = [.. Enumerable.Repeat(silent, 399), decisive];
        const string Body = """{"t":true,"f":false}""";
        string last = Calls.Answer(string.Join(sign, terms), Calls.Of(Body));
        Assert.Equal(decisive == "args.t" ? "true" : "false", last);
        string none = Calls.Answer(string.Join(sign, terms[..^1]), Calls.Of(Body));
        Assert.Equal(decisive == "args.t" ? "false" : "true", none);
        string deep = string.Concat(Enumerable.Repeat("(args.t" + sign, 201)) + "args.t" + new string(')', 201);
        Assert.Contains("nested more than 200 deep", Calls.Answer(deep, Calls.Of(Body)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_answers_as_its_terms_one_after_the_other()
    {
        // Proves that halving changes no answer and no error; by seeded rows of terms that are true, false or have no
        // answer, of both operators, against the rule as the specification words it.
        Random random = new(20261);
        for (int round = 0; round < 2_000; round++)
        {
            bool isOr = random.Next(2) == 0;
            int[] kinds = [.. Enumerable.Range(0, random.Next(2, 24)).Select(_ => random.Next(12) switch
            {
                0 => 1,
                1 or 2 => 2,
                _ => 0,
            })];
            string silent = isOr ? "args.f" : "args.t", decisive = isOr ? "args.t" : "args.f";
            string[] terms = [.. kinds.Select((kind, at) => kind switch
            {
                0 => silent,
                1 => decisive,
                _ => $"args.list[{at}] == 1",
            })];
            string sign = isOr ? " || " : " && ";
            string row = string.Join(sign, terms);
            int error = Array.IndexOf(kinds, 2);
            int place = terms.Take(Math.Max(0, error)).Sum(term => term.Length + sign.Length);
            string expected = kinds.Contains(1) ? isOr ? "true" : "false"
                : error < 0 ? isOr ? "false" : "true"
                : Calls.Answer(new string(' ', place) + terms[error], Calls.Of(Body));
            Assert.True(expected == Calls.Answer(row, Calls.Of(Body)), $"{row}: {expected}");
        }
    }

    private const string Body = """{"t":true,"f":false,"list":[]}""";

}
