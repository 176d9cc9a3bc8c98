using System.Text;
using System.Text.Json;

namespace Countersign.Masking.Tests;

public sealed class JsonScannerTests
{
    private const int Seeds = 300;

    private static readonly string[] Beginnings =
    [
        "", " ", "[", "[1,", "{", "{\"a\":1,", "{\"a\"", "{\"a\":", "[1", "{\"a\":1", "[true", "[\"a\"", "[]", "{}",
        "\"a\" ", "[{}", "{\"a\":[]", "[\"", "{\"", "[\"\\", "[\"\\u0", "[\"\\u00", "[t", "[f", "[n", "[tru", "[nul",
    ];

    [Fact]
    public void Tells_of_every_value_what_the_library_tells()
    {
        // Proves kind, container, depth and text of every name and value, and each comma and beginning of a member if
        // they are asked for, against the library's reader, in chunks of any size; a driver that asks for every other
        // value's text gets no other's, and no piece of nothing.
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var random = new RandomBody(seed * 17);
            byte[] body = [.. "-1.5e3 \"a\\u00e9\" true "u8, .. random.Texts(), .. " {\"a\":[]} 12"u8];
            bool reports = seed % 2 == 0;
            string expected = Expected(body, reports);
            string how = "seed " + seed + ": " + Encoding.UTF8.GetString(body) + "\n";
            Assert.Equal(how + expected, how + Told(body, reports, [body.Length]));
            Assert.Equal(how + expected, how + Told(body, reports, [1]));
            Assert.Equal(how + expected, how + Told(body, reports, random.Sizes()));
        }
    }

    [Fact]
    public void Takes_at_each_place_the_bytes_that_the_library_takes()
    {
        // Proves, behind every kind of beginning, for each byte of ASCII, that it is refused exactly if the library
        // refuses it, and that what was refused stays so.
        foreach (string beginning in Beginnings)
        {
            for (int value = 0; value < 0x80; value++)
            {
                byte[] body = [.. Encoding.UTF8.GetBytes(beginning), (byte)value];
                var scanner = default(JsonScanner);
                scanner.Reset();
                int position = 0;
                JsonEvent met;
                do met = scanner.Next(body, ref position);
                while (met > JsonEvent.NeedMore);
                string how = beginning + (char)value;
                Assert.Equal((how, Begins(body)), (how, met == JsonEvent.NeedMore));
                if (met == JsonEvent.Refused) Assert.Equal(body.Length - 1, position);
                Assert.Equal(met, scanner.Next(body, ref position));
            }
        }
    }

    [Theory]
    [InlineData("1[2]", MaskRefusal.None)]
    [InlineData("true{}", MaskRefusal.None)]
    [InlineData("null\"a\"", MaskRefusal.None)]
    [InlineData("\"a\"1", MaskRefusal.None)]
    [InlineData("\"a\"true[]null", MaskRefusal.None)]
    [InlineData("[]1 {}2", MaskRefusal.None)]
    [InlineData("1true", MaskRefusal.ValuesTouch)]
    [InlineData("true1", MaskRefusal.ValuesTouch)]
    [InlineData("nullfalse", MaskRefusal.ValuesTouch)]
    [InlineData("1]", MaskRefusal.ValuesTouch)]
    [InlineData("1 ]", MaskRefusal.NotAValue)]
    [InlineData("\u00ef[", MaskRefusal.ByteOrderMark)]
    [InlineData("[\u00ef", MaskRefusal.NotAValue)]
    [InlineData("[1,]", MaskRefusal.NotAValue)]
    [InlineData("{1", MaskRefusal.NotAKey)]
    [InlineData("{\"a\":1,}", MaskRefusal.NotAKey)]
    [InlineData("[1}", MaskRefusal.NotAComma)]
    [InlineData("{\"a\"1", MaskRefusal.NotAColon)]
    public void Says_why_a_text_is_refused_or_takes_it(string text, MaskRefusal because)
    {
        // Proves the reason for each kind of byte out of place, and which texts may follow each other unparted, at
        // every split.
        MaskProgram program = MaskProgram.Compile([new("no such member", MaskAction.Redact)]);
        var masker = new JsonMasker();
        byte[] body = Encoding.Latin1.GetBytes(text);
        MaskRun.EverySplit(program, body);
        MaskRun.Chunks(masker, program, body, null, body.Length);
        Assert.Equal(because, masker.Refusal);
    }

    [Fact]
    public void Takes_numbers_up_to_the_limit_each()
    {
        // Proves the length of a number at its limit and one byte beyond, of every kind of number, and that one
        // number's says nothing of the next.
        string longest = new('7', MaskLimits.NumberBytesMax);
        MaskProgram program = MaskProgram.Compile([]);
        byte[] sound = Encoding.ASCII.GetBytes("[" + longest + "," + longest + "]" + longest);
        foreach (int chunk in new[] { sound.Length, 1_000, 1 })
        {
            MaskResult taken = MaskRun.Chunks(program, sound, chunk);
            Assert.Equal((MaskStatus.Done, ""), (taken.Status, taken.Because));
            foreach (string begun in new[] { "", "-", "1.", "1e", "1.5e-" })
            {
                byte[] tooLong = Encoding.ASCII.GetBytes("[" + begun + longest[begun.Length..] + "7]");
                MaskResult refused = MaskRun.Chunks(program, tooLong, chunk);
                Assert.Equal(Refusals.TextOf(MaskRefusal.NumberTooLong), refused.Because);
            }
        }
    }

    [Fact]
    public void Is_lent_only_between_characters_and_goes_on_with_what_the_window_left_open()
    {
        // Proves that a window cannot begin inside a character or an escape, and that a string that a window leaves
        // open is a string to the scanner, whose text nobody has asked for.
        byte[] body = Encoding.UTF8.GetBytes("[\"" + new string('x', 80) + "é\\u00e9\", 1]" + new string(' ', 70));
        var window = new BlockWindow(BlockWindow.WidthBest);
        Assert.True(window.TryBegin(JsonPlace.Top, default));
        Assert.True(window.Take(body, 0, 1, MaskProgram.Compile([])));
        var scanner = default(JsonScanner);
        scanner.Reset();
        scanner.DecodesValue = true;
        scanner.TakeBack(window);
        Assert.Equal((JsonPlace.StringText, JsonKind.String, 1), (scanner.Place, scanner.Kind, scanner.Depth));
        int position = window.End;
        int quote = Array.IndexOf(body, (byte)'"', 2);
        for (int end = position + 1; end <= quote; end++)
        {
            Assert.Equal(JsonEvent.NeedMore, scanner.Next(body.AsSpan(0, end), ref position));
            bool isCut = end == 83 || (end > 84 && end < 90);   // within é and within its escape
            Assert.Equal((end, !isCut), (end, scanner.TryLend(window)));
        }

        Assert.Equal(JsonEvent.ValueEnds, scanner.Next(body, ref position));
    }

    private static bool Begins(byte[] body)
    {
        var reader = new Utf8JsonReader(
            body, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { AllowMultipleValues = true }));
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Expected(byte[] body, bool reports)
    {
        var told = new StringBuilder();
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { AllowMultipleValues = true });
        var counts = new Stack<int>([0]);
        bool isMember = false;
        int values = 0;
        while (reader.Read())
        {
            JsonTokenType token = reader.TokenType;
            if (token is JsonTokenType.EndArray or JsonTokenType.EndObject)
            {
                counts.Pop();
                told.AppendLine("ends " + KindOf(token) + " " + reader.CurrentDepth);
                continue;
            }

            bool isBehindOther = !isMember && reader.CurrentDepth > 0 && counts.Peek() > 0;
            if (reports && isBehindOther) told.AppendLine("comma");
            if (!isMember) counts.Push(counts.Pop() + 1);
            if (token == JsonTokenType.PropertyName)
            {
                if (reports) told.AppendLine("member");
                told.AppendLine("key " + reader.GetString());
                isMember = true;
                continue;
            }

            JsonKind kind = KindOf(token);
            int depth = reader.CurrentDepth + (kind <= JsonKind.Array ? 1 : 0);
            JsonRole role = isMember ? JsonRole.Member : reader.CurrentDepth > 0 ? JsonRole.Element : JsonRole.Root;
            told.AppendLine("opens " + kind + " " + role + " " + depth);
            isMember = false;
            bool isAsked = ++values % 2 == 0;
            if (kind <= JsonKind.Array) counts.Push(0);
            else if (!isAsked || kind > JsonKind.Number) told.AppendLine("ends " + kind + " " + depth);
            else if (kind == JsonKind.String) told.AppendLine("ends String " + depth + " " + reader.GetString());
            else told.AppendLine("ends Number " + depth + " " + Encoding.ASCII.GetString(reader.ValueSpan));
        }

        return told.ToString();
    }

    private static JsonKind KindOf(JsonTokenType token) => token switch
    {
        JsonTokenType.StartArray or JsonTokenType.EndArray => JsonKind.Array,
        JsonTokenType.StartObject or JsonTokenType.EndObject => JsonKind.Object,
        JsonTokenType.String => JsonKind.String,
        JsonTokenType.Number => JsonKind.Number,
        JsonTokenType.True => JsonKind.True,
        JsonTokenType.False => JsonKind.False,
        _ => JsonKind.Null,
    };

    private static string Told(byte[] body, bool reports, int[] sizes)
    {
        var driver = new Driver(reports);
        int start = 0;
        for (int turn = 0; start < body.Length; turn++)
        {
            int size = Math.Min(sizes[Math.Min(turn, sizes.Length - 1)], body.Length - start);
            driver.Read(body.AsSpan(start, size));
            start += size;
        }

        return driver.Finish();
    }

    /// <summary>Writes down what a scanner says, and asks for every other value's text.</summary>
    private sealed class Driver
    {
        private readonly StringBuilder _told = new();
        private readonly List<byte> _text = [];
        private SurrogatePairing _pairing;
        private JsonScanner _scanner;
        private int _values;

        public Driver(bool reports)
        {
            _scanner.Reset();
            _scanner.Width = BlockWindow.WidthBest;
            _scanner.DecodesKeys = true;
            _scanner.ReportsMembers = reports;
        }

        public void Read(ReadOnlySpan<byte> input)
        {
            int position = 0;
            JsonEvent met = _scanner.Next(input, ref position);
            for (; met > JsonEvent.NeedMore; met = _scanner.Next(input, ref position)) Take(met, input, position);
            Assert.Equal((JsonEvent.NeedMore, input.Length), (met, position));
        }

        public string Finish()
        {
            if (_scanner.Place == JsonPlace.Number)
            {
                Assert.Equal(JsonEvent.ValueEnds, _scanner.Finish());
                Take(JsonEvent.ValueEnds, [], 0);
            }

            Assert.Equal(JsonEvent.NeedMore, _scanner.Finish());
            return _told.ToString();
        }

        private void Take(JsonEvent met, ReadOnlySpan<byte> input, int position)
        {
            bool isAsked = _scanner.IsInKey || _scanner.DecodesValue;
            if (met is JsonEvent.Text or JsonEvent.Unit) Assert.True(isAsked, met + " of what nobody asked for");
            if (met == JsonEvent.Text) Assert.True(_scanner.TextEnd > _scanner.TextStart, "a piece of nothing");
            if (met == JsonEvent.Unit) AddUnit(_scanner.Unit);
            bool endsText = met == JsonEvent.ValueEnds && _scanner.DecodesValue
                && _scanner.Kind is JsonKind.String or JsonKind.Number;
            if (met is JsonEvent.Text or JsonEvent.Key || endsText)
                _text.AddRange(input[_scanner.TextStart.._scanner.TextEnd]);
            switch (met)
            {
                case JsonEvent.Comma:
                    _told.AppendLine("comma");
                    break;
                case JsonEvent.MemberBegins:
                    _told.AppendLine("member");
                    break;
                case JsonEvent.Key:
                    _told.AppendLine("key " + TakeText());
                    break;
                case JsonEvent.ValueOpens:
                    _told.AppendLine("opens " + _scanner.Kind + " " + _scanner.Role + " " + _scanner.Depth);
                    bool asks = ++_values % 2 == 0 && _scanner.Kind is JsonKind.String or JsonKind.Number;
                    if (asks) _scanner.DecodesValue = true;
                    if (asks && _scanner.Kind == JsonKind.Number) _text.Add(input[position - 1]);
                    break;
                case JsonEvent.ValueEnds:
                    _told.Append("ends " + _scanner.Kind + " " + _scanner.Depth);
                    _told.AppendLine(endsText ? " " + TakeText() : "");
                    break;
            }
        }

        private void AddUnit(int unit)
        {
            if (!_pairing.Joins(unit, out int point)) point = unit;
            if (_pairing.Opens(point)) return;
            byte[] bytes = new byte[Utf8Bytes.Max];
            _text.AddRange(bytes[..Utf8Bytes.Encode(point, bytes)]);
        }

        private string TakeText()
        {
            string text = Encoding.UTF8.GetString([.. _text]);
            _text.Clear();
            return text;
        }
    }
}
