using System.Text.Unicode;

namespace Countersign.Masking.Tests;

public sealed class JsonTextTests
{
    // The bytes at which RFC 3629 changes its mind, and their neighbours.
    private static readonly byte[] Edges =
    [
        0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1, 0xBE, 0xBF, 0xC0, 0xC1, 0xC2, 0xC3, 0xDF,
        0xE0,
        0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ];

    [Fact]
    public void Takes_exactly_what_is_UTF8()
    {
        // Proves UTF-8 checking against the library's for every sequence of four edge bytes, whole and byte by byte.
        byte[] body = new byte[5];
        body[4] = (byte)'"';
        foreach (byte first in Edges)
        {
            foreach (byte second in Edges)
            {
                foreach (byte third in Edges)
                {
                    foreach (byte fourth in Edges)
                    {
                        (body[0], body[1], body[2], body[3]) = (first, second, third, fourth);
                        if (body.Contains((byte)0)) continue;   // a control character, another test's
                        bool isValid = Utf8.IsValid(body);
                        int whole = Read(body, body.Length, out TextStop stop);
                        Assert.Equal(isValid ? TextStop.Quote : TextStop.NotUtf8, stop);
                        Assert.Equal((whole, stop), (Read(body, 1, out TextStop apart), apart));
                    }
                }
            }
        }
    }

    [Fact]
    public void Finds_the_first_special_byte_wherever_it_stands()
    {
        // Proves the vector search at every offset for every byte value, around the width of a vector.
        for (int length = 1; length <= 100; length++)
        {
            for (int value = 0; value <= 0xFF; value++)
            {
                byte[] text = new byte[length + 40];
                Array.Fill(text, (byte)'a');
                text[length - 1] = (byte)value;
                text[length + 3] = (byte)'"';
                bool isSpecial = value < 0x20 || value > 0x7F || value is '"' or '\\';
                Assert.Equal(isSpecial ? length - 1 : length + 3, PlainRun.Length(text));
                Assert.Equal(isSpecial ? length - 1 : length, PlainRun.Length(text.AsSpan(0, length)));
            }
        }
    }

    private static int Read(byte[] body, int chunk, out TextStop stop)
    {
        var text = new JsonText();
        int position = 0;
        do
        {
            int limit = Math.Min(position + chunk, body.Length);
            stop = text.ReadPlain(body.AsSpan(0, limit), ref position);
        }
        while (stop == TextStop.NeedMore && position < body.Length);

        return position;
    }
}
