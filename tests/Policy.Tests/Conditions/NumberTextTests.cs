using System.Globalization;
using System.Numerics;
using System.Text;
using Countersign.Policy.Conditions;

namespace Countersign.Policy.Tests.Conditions;

public sealed class NumberTextTests
{
    private const int Numbers = 20_000;
    private const int Seed = 20_261_129;

    // Proves the one text of a number, row by row; what JSON would not take as a number stays as it is.
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "0")]
    [InlineData("0e99999999999999999999", "0")]
    [InlineData("7", "7")]
    [InlineData("-7.0", "-7")]
    [InlineData("70e-1", "7")]
    [InlineData("0.00001", "0.00001")]
    [InlineData("1e-5", "0.00001")]
    [InlineData("1E-05", "0.00001")]
    [InlineData("-12.50", "-12.5")]
    [InlineData("1250e-3", "1.25")]
    [InlineData("1e17", "100000000000000000")]
    [InlineData("1000000000000000000.0", "1000000000000000000")]
    [InlineData("9007199254740993.0", "9007199254740993")]
    [InlineData("1e+0000000000000000000000005", "100000")]
    [InlineData("1e401", "1e401")]
    [InlineData("10.0e400", "1e401")]
    [InlineData("1e-401", "1e-401")]
    [InlineData("0.1e-400", "1e-401")]
    [InlineData("10e999999999999999999", "1e1000000000000000000")]
    [InlineData("1e1000000000000000000", "1e1000000000000000000")]
    [InlineData("1e-1000000000000000000", "1e-1000000000000000000")]
    [InlineData("", "")]
    [InlineData("-", "-")]
    [InlineData("007", "007")]
    [InlineData("+7", "+7")]
    [InlineData("-07", "-07")]
    [InlineData("7.", "7.")]
    [InlineData(".7", ".7")]
    [InlineData("7e", "7e")]
    [InlineData("7e+", "7e+")]
    [InlineData("7 ", "7 ")]
    [InlineData("7e1.0", "7e1.0")]
    [InlineData("0x7", "0x7")]
    [InlineData("A1", "A1")]
    [InlineData("Infinity", "Infinity")]
    public void A_number_has_one_text(string written, string expected) =>
        Assert.Equal(expected, NumberText.NameOf(Encoding.UTF8.GetBytes(written)));

    // Proves that an exponent which could cost much is no name, and that one digit fewer is.
    [Fact]
    public void An_exponent_has_a_bound()
    {
        string digits = new('9', 1_000);
        Assert.Equal("1e" + digits, NumberText.NameOf(Encoding.UTF8.GetBytes("1e" + digits)));
        Assert.Null(NumberText.NameOf(Encoding.UTF8.GetBytes("1e9" + digits)));
        Assert.False(TryName("args.id", $$"""{"id":"1e9{{digits}}"}""", out _));
    }

    // Proves that random numbers, each written in many ways, have one text each, that the text is the number, and that
    // no two have the same: what is expected comes from whole numbers of any length, not from the code.
    [Fact]
    public void However_a_number_is_written_its_text_is_one()
    {
        Random random = new(Seed);
        Dictionary<string, (BigInteger Digits, int Power)> known = [];
        for (int n = 0; n < Numbers; n++)
        {
            (BigInteger digits, int power) number = Reduced(RandomDigits(random), random.Next(-30, 30));
            HashSet<string> texts = [.. Spellings(random, number.digits, number.power)
                .Select(text => NumberText.NameOf(Encoding.UTF8.GetBytes(text))!)];
            string name = Assert.Single(texts);
            Assert.Equal(name, NumberText.NameOf(Encoding.UTF8.GetBytes(name)));
            Assert.Equal(number, ValueOf(name));
            if (!known.TryAdd(name, number)) Assert.Equal(known[name], number);
        }
    }

    // Proves the same of calls: a number that the arguments hold as a whole number, as another and as text names one
    // object, and neighbours name two.
    [Theory]
    [InlineData("0", "-0", "0.0", "-0.0", "0e5")]
    [InlineData("7", "7.0", "70e-1", "0.7e1", "7.000")]
    [InlineData("100000000000000000", "1e17", "1E+17", "10.0e16", "100000000000000000.0")]
    [InlineData("200000000000000000", "2e17", "0.2e18")]
    [InlineData("1000000000000000000", "1e18", "1000000000000000000.0")]
    [InlineData("9000000000000000000", "9e18", "9.0E18")]
    [InlineData("100000000000000000000", "1e20", "1.0e+20")]
    [InlineData("0.00001", "1e-5", "0.1e-4", "0.000010")]
    [InlineData("-12.5", "-1.25e1", "-125e-1")]
    [InlineData("4611686018427388000", "4.611686018427388e18")]
    [InlineData("9007199254740992", "9007199254740992.0")]
    public void A_number_of_a_call_is_one_object(params string[] spellings)
    {
        foreach (string spelling in spellings)
        {
            Assert.Equal(spellings[0], NameOf("args.id", spelling));
            Assert.Equal(spellings[0], NameOf("args.id", $"\"{spelling}\""));
            Assert.Equal(spellings[0] + "/7", NameOf("string(args.id) + '/' + path.account", spelling));
        }
    }

    // Proves that numbers which one double stands for are two, and that an unsigned one is as a signed one.
    [Fact]
    public void Neighbours_are_two_objects()
    {
        Assert.Equal("9007199254740993", NameOf("args.id", "9007199254740993"));
        Assert.Equal("9007199254740993", NameOf("args.id", "\"9007199254740993.0\""));
        Assert.Equal("9007199254740992", NameOf("args.id", "9007199254740992.0"));
        Assert.Equal("7", NameOf("uint(args.id)", "7"));
        Assert.Equal("18446744073709551615", NameOf("18446744073709551615u", "7"));
        Assert.False(TryName("args.id", """{"id":9007199254740993.0}""", out _));
    }

    private static string NameOf(string expression, string value)
    {
        Assert.True(TryName(expression, $$"""{"id":{{value}}}""", out string name), value);
        return name;
    }

    private static bool TryName(string expression, string args, out string name)
    {
        PathInput[] path = [new PathInput("account", 1, false)];
        ConditionProgram program = ConditionProgram.CompileScalar(
            expression, new FunctionScope("f.pay", path, ConditionType.Dyn), out _)!;
        return program.TryEvaluateScalar(Calls.Of(args), out name, out _);
    }

    private static BigInteger RandomDigits(Random random)
    {
        int length = random.Next(0, 5) == 0 ? random.Next(1, 40) : random.Next(1, 4);
        string digits = string.Concat(Enumerable.Range(0, length).Select(_ => (char)('0' + random.Next(10))));
        BigInteger value = BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        return random.Next(3) == 0 ? -value : value;
    }

    /// <summary>The same number, of digits that do not end in a zero.</summary>
    private static (BigInteger Digits, int Power) Reduced(BigInteger digits, int power)
    {
        if (digits.IsZero) return (digits, 0);
        for (; digits % 10 == 0; digits /= 10) power++;
        return (digits, power);
    }

    private static IEnumerable<string> Spellings(Random random, BigInteger digits, int power)
    {
        string sign = digits.Sign < 0 || (digits.IsZero && random.Next(2) == 0) ? "-" : "";
        string written = BigInteger.Abs(digits).ToString(CultureInfo.InvariantCulture);
        for (int n = 0; n < 12; n++)
        {
            // More zeros at the end, a point somewhere, and what exponent makes up for both.
            int zeros = random.Next(8);
            string all = written + new string('0', zeros);
            int point = random.Next(-3, all.Length + 1);
            string text = point >= all.Length ? all
                : point > 0 ? all[..point] + "." + all[point..] : "0." + new string('0', -point) + all;
            if (text.Length > 1 && text[0] == '0' && text[1] != '.') continue;
            int exponent = power - zeros + all.Length - Math.Min(point, all.Length);
            if (exponent == 0 && random.Next(2) == 0)
            {
                yield return sign + text;
                continue;
            }

            string up = exponent < 0 ? "-" : random.Next(2) == 0 ? "+" : "";
            string mark = random.Next(2) == 0 ? "e" : "E";
            string shift = Math.Abs(exponent).ToString(CultureInfo.InvariantCulture);
            yield return sign + text + mark + up + new string('0', random.Next(3)) + shift;
        }

        yield return sign + written + "e" + power.ToString(CultureInfo.InvariantCulture);
        if (power >= 0) yield return sign + (written == "0" ? "0" : written + new string('0', power)) + ".0";
    }

    /// <summary>What plain decimals say.</summary>
    private static (BigInteger Digits, int Power) ValueOf(string text)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        int power = point < 0 ? 0 : point + 1 - text.Length;
        string digits = text.Replace(".", "", StringComparison.Ordinal);
        return Reduced(BigInteger.Parse(digits, CultureInfo.InvariantCulture), power);
    }
}
