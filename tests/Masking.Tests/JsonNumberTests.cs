using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Masking.Tests;

public sealed class JsonNumberTests
{
    private const string Bytes = "019-+.eE";

    private static readonly Regex Sound =
        new("^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?\\z", RegexOptions.CultureInvariant);

    [Fact]
    public void Takes_every_number_and_nothing_like_one()
    {
        // Proves the grammar of numbers against a regular expression, whole and byte by byte: every text of up to five
        // of the bytes that numbers are made of, behind a digit or a minus.
        foreach (string text in Texts())
        {
            foreach (string first in new[] { "-", "0", "7" })
            {
                string number = first + text;
                Assert.Equal((number, Sound.IsMatch(number)), (number, Takes(number + ",", number.Length + 1)));
                Assert.Equal((number, Sound.IsMatch(number)), (number, Takes(number + ",", 1)));
            }
        }
    }

    [Theory]
    [InlineData("-")]
    [InlineData("0")]
    [InlineData("12")]
    [InlineData("1.")]
    [InlineData("1.5")]
    [InlineData("1e")]
    [InlineData("1E+")]
    [InlineData("1e5")]
    public void Ends_at_each_byte_that_no_number_goes_on_with(string number)
    {
        // Proves that of all byte values behind each part of a number only a number's own go on with it.
        for (int next = 0; next <= 0xFF; next++)
        {
            var reader = default(JsonNumber);
            reader.Begin((byte)number[0]);
            int position = 1;
            NumberStop stop = reader.Read([.. Encoding.Latin1.GetBytes(number), (byte)next], ref position);
            string more = number + (char)next;
            bool goesOn = Sound.IsMatch(more) || Sound.IsMatch(more + "0");
            NumberStop ended = Sound.IsMatch(number) ? NumberStop.Ended : NumberStop.Refused;
            Assert.Equal((more, goesOn ? NumberStop.NeedMore : ended), (more, stop));
            Assert.Equal(goesOn ? more.Length : number.Length, position);
        }
    }

    private static IEnumerable<string> Texts()
    {
        for (int length = 0; length <= 5; length++)
        {
            for (int number = 0; number < 1 << (3 * length); number++)
            {
                IEnumerable<int> places = Enumerable.Range(0, length);
                yield return string.Concat(places.Select(place => Bytes[number >> (3 * place) & 7]));
            }
        }
    }

    private static bool Takes(string text, int chunk)
    {
        byte[] body = Encoding.ASCII.GetBytes(text);
        var number = default(JsonNumber);
        number.Begin(body[0]);
        int position = 1;
        NumberStop stop = NumberStop.NeedMore;
        for (int end = 1; end < body.Length && stop == NumberStop.NeedMore;)
        {
            end = Math.Min(end + chunk, body.Length);
            bool wasWhole = number.IsWhole;
            stop = number.Read(body.AsSpan(0, end), ref position);
            if (stop == NumberStop.Ended && chunk == 1 && !wasWhole) return false;
        }

        return stop == NumberStop.Ended && position == body.Length - 1;
    }
}
