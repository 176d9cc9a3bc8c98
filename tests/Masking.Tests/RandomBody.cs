using System.Globalization;
using System.Text;

namespace Countersign.Masking.Tests;

/// <summary>Makes JSON texts and rules that often meet, from a seed.</summary>
internal sealed class RandomBody(int seed)
{
    private static readonly string[] Names = ["a", "b", "ab", "Ab", "token", "x/y", "é", "𝄞", "", "a b", "q\"\\"];

    private readonly Random _random = new(seed);
    private readonly StringBuilder _text = new();
    private int _marks;

    /// <summary>Every string value begins with a mark of its own, by which it can be found in an output.</summary>
    public static string Mark(int number) => "<~" + number.ToString("D4", CultureInfo.InvariantCulture) + "~>";

    public int Marks => _marks;

    public byte[] Texts()
    {
        _text.Clear();
        int texts = 1 + (_random.Next(4) == 0 ? _random.Next(3) : 0);
        for (int text = 0; text < texts; text++)
        {
            Value(0);
            _text.Append(" \n"[_random.Next(2)]);
        }

        return Encoding.UTF8.GetBytes(_text.ToString());
    }

    public List<SlowRule> Rules(int actions = 4)
    {
        var rules = new List<SlowRule>();
        for (int rule = _random.Next(5); rule >= 0; rule--)
        {
            MaskAction action = (MaskAction)_random.Next(actions);
            string bare = Names[_random.Next(Names.Length)];
            if (bare.Length > 0 && _random.Next(3) == 0) rules.Add(new SlowRule(Flip(bare), action, bare, []));
            else rules.Add(Path(action));
        }

        return rules;
    }

    public int[] Sizes()
    {
        int[] sizes = new int[1 + _random.Next(40)];
        for (int place = 0; place < sizes.Length; place++) sizes[place] = 1 + _random.Next(20);
        return sizes;
    }

    public int Next(int below) => _random.Next(below);

    private SlowRule Path(MaskAction action)
    {
        var steps = new List<SlowStep>();
        var field = new StringBuilder("$");
        for (int step = _random.Next(20) == 0 ? 0 : 1 + _random.Next(3); step > 0; step--)
        {
            bool descends = _random.Next(3) == 0;
            field.Append(descends ? ".." : "");
            string name = Names[_random.Next(Names.Length)];
            int index = _random.Next(4);
            switch (_random.Next(4))
            {
                case 0:
                    steps.Add(new SlowStep(descends, null, null));
                    field.Append(_random.Next(2) == 0 ? "[*]" : descends ? "*" : ".*");
                    break;
                case 1:
                    steps.Add(new SlowStep(descends, null, index));
                    field.Append('[').Append(index).Append(']');
                    break;
                default:
                    steps.Add(new SlowStep(descends, name, null));
                    field.Append("['").Append(name.Replace("\\", "\\\\", StringComparison.Ordinal)).Append("']");
                    break;
            }
        }

        return new SlowRule(field.ToString(), action, null, steps);
    }

    private void Value(int depth)
    {
        switch (depth == 0 ? 5 + _random.Next(4) : _random.Next(depth > 3 ? 5 : 9))
        {
            case 0:
                _text.Append(Pick("true", "false", "null", "null"));
                break;
            case 1:
                _text.Append(Pick("0", "-0.5", "1e5", "12345678", "-1234567890.125E-3", "4242424242424242"));
                break;
            case 2 or 3 or 4:
                Text(Mark(_marks++) + Pick("", "x", "é", "漢字𝄞", "\"\\/\n\t", new string('s', _random.Next(80))));
                break;
            case 5 or 6:
                Container('[', ']', depth, hasNames: false);
                break;
            default:
                Container('{', '}', depth, hasNames: true);
                break;
        }
    }

    private void Container(char open, char close, int depth, bool hasNames)
    {
        _text.Append(open);
        Blanks();
        for (int left = _random.Next(6); left > 0; left--)
        {
            if (hasNames)
            {
                string name = Names[_random.Next(Names.Length)];
                Text(_random.Next(4) == 0 ? Flip(name) : name);
                Blanks();
                _text.Append(':');
                Blanks();
            }

            Value(depth + 1);
            Blanks();
            if (left > 1) _text.Append(',');
            Blanks();
        }

        _text.Append(close);
    }

    private void Text(string text)
    {
        _text.Append('"');
        foreach (char unit in text)
        {
            bool mustEscape = unit is '"' or '\\' or < ' ';

            // A mark stays as it is, so that it can be looked for; a pair is escaped in both halves or none.
            if (mustEscape || (unit is not ('<' or '~' or '>') && !char.IsAsciiDigit(unit) && !char.IsSurrogate(unit)
                && _random.Next(8) == 0))
            {
                _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
            }
            else if (char.IsSurrogate(unit) && text.Length % 2 == 0)
            {
                _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
            }
            else
            {
                _text.Append(unit);
            }
        }

        _text.Append('"');
    }

    private string Flip(string name)
    {
        char[] flipped = name.ToCharArray();
        for (int place = 0; place < flipped.Length; place++)
        {
            bool flips = char.IsAsciiLetter(flipped[place]) && _random.Next(2) == 0;
            if (flips) flipped[place] = (char)(flipped[place] ^ 0x20);
        }

        return new string(flipped);
    }

    private void Blanks()
    {
        if (_random.Next(6) == 0) _text.Append(" \t\r\n  ", 0, 1 + _random.Next(6));
    }

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];
}
