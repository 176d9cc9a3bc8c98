using System.Buffers;
using System.Text;
using Countersign.Masking.Content;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Tests.Content;

public sealed class FormMaskerTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a=1&b=2", "a=1&b=2")]
    [InlineData("a=%31&b=x+y&&c&=d&e=", "a=%31&b=x+y&&c&=d&e=")]
    [InlineData("password=x&a=1", "password=***&a=1")]
    [InlineData("p%61ssword=x%26y", "p%61ssword=***")]
    [InlineData("PASSWORD=", "PASSWORD=***")]
    [InlineData("password", "password")]
    [InlineData("to=ada%40example.com&x=%7e", "to=***&x=%7e")]
    [InlineData("t=call+%2B1+415+555+2671%2C+ok", "t=call+***%2C+ok")]
    [InlineData("t=4111+1111+1111+1111%20x&u=ada@example.com", "t=***%20x&u=***")]
    [InlineData("api_key=a1B2c3D4e5F6&id=a1B2c3D4e5F6", "api_key=***&id=a1B2c3D4e5F6")]
    [InlineData("ada%40example.com", "***")]
    [InlineData("ada%40example.com=1", "***=1")]
    [InlineData("a=%D0%B6", "a=%D0%B6")]
    [InlineData("[1]=x&a=1", "[1]=x&a=1")]
    [InlineData("\"a\"=1", "\"a\"=1")]
    public void Masks_names_and_values(string body, string expected)
    {
        // Proves fields by name, whatever the escapes, and detectors on decoded values, for every split; what is not
        // masked keeps its spelling.
        foreach (int size in new[] { 1, 2, 3, 7, 1_000 })
        {
            (MaskStatus status, string output, _) = Run(body, size);
            Assert.Equal((size, MaskStatus.Done, expected), (size, status, output));
        }
    }

    [Theory]
    [InlineData("a=%")]
    [InlineData("a=%4")]
    [InlineData("a=%4&b=1")]
    [InlineData("a=%zz")]
    [InlineData("a%=1")]
    [InlineData("a=b c")]
    [InlineData("a=1\nb=2")]
    [InlineData("a=%C3")]
    [InlineData("a=%ED%A0%80")]
    [InlineData("{\"password\":\"x\"}")]
    [InlineData("[{}]")]
    [InlineData("[1,{\"ssn\":1,\"to\":\"x\"}]")]
    [InlineData("[null,{\"ssn\":1}]")]
    [InlineData("[true,[{}]]")]
    [InlineData("[false]")]
    [InlineData("[-1.5e-3,2]")]
    [InlineData("\"{\\\"ssn\\\":1}\"")]
    [InlineData("\"[1]\"")]
    [InlineData("\"\\\"{\\\\\\\"ssn\\\\\\\":1}\\\"\"")]
    [InlineData("\"\\u007b\\\"ssn\\\":1}\"")]
    [InlineData("\u00a0{\"ssn\":1}")]
    [InlineData("\u2028[1,{}]")]
    [InlineData("\ufeffa=1")]
    public void Refuses_what_is_no_form(string body)
    {
        // Proves that malformed escapes, raw blanks and controls, what decodes to no UTF-8, and JSON are refused.
        foreach (int size in new[] { 1, 1_000 }) Assert.Equal(MaskStatus.Refused, Run(body, size).Status);
    }

    [Fact]
    public void Bounds_a_field()
    {
        // Proves that the longest field that fits leaves whole and one byte more is refused.
        string longest = "a=" + new string('b', ContentLimits.FormTextBytesMax - 2);
        (MaskStatus status, string output, _) = Run(longest + "&c=d", 1_000);
        Assert.Equal((MaskStatus.Done, longest + "&c=d"), (status, output));
        Assert.Equal("a field is longer than the limit", Run(longest + "b", 1_000).Because);
    }

    [Fact]
    public void Encodes_what_it_puts_in_place()
    {
        // Proves that what a rule writes is encoded: a separator in it makes no field.
        var masker = new FormMasker();
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(new Named("a&b=c é"), DetectorSet.None, new StarredText(MaskAction.Redact));
        masker.Write("password=x&y=z"u8, output);
        masker.Finish(output);
        Assert.Equal("password=a%26b%3Dc+%C3%A9&y=z", Encoding.UTF8.GetString(output.WrittenSpan));
        Assert.Equal((1, MaskStatus.Refused), (masker.MaskedCount, masker.Write("q"u8, output)));
    }

    private static (MaskStatus Status, string Output, string Because) Run(string body, int size)
    {
        var masker = new FormMasker();
        var output = new ArrayBufferWriter<byte>();
        masker.Reset(new Named("***"), (DetectorSet)1023, new StarredText(MaskAction.Redact));
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        for (int place = 0; place < bytes.Length; place += size)
            masker.Write(bytes.AsSpan(place, Math.Min(size, bytes.Length - place)), output);
        return (masker.Finish(output), Encoding.UTF8.GetString(output.WrittenSpan), masker.RefusedBecause);
    }

    private sealed class Named(string mask) : IFormFields
    {
        public bool IsTooLong(ReadOnlySpan<byte> name) => false;

        public bool TryMask(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, IBufferWriter<byte> output)
        {
            if (!Ascii.EqualsIgnoreCase(name, "password"u8)) return false;
            output.Write(Encoding.UTF8.GetBytes(mask));
            return true;
        }
    }
}
