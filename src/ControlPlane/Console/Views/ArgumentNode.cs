using System.Globalization;
using System.Text.Json;
using Countersign.ControlPlane.Console.Text;

namespace Countersign.ControlPlane.Console.Views;

/// <summary>A value that stays in sight while the page scrolls.</summary>
/// <param name="Path">Where it is, <c>items[0].amount</c>.</param>
/// <param name="Text">Exactly as it was sent.</param>
/// <param name="Spelled">The same number with its digits grouped; empty where that says nothing more.</param>
public sealed record PinnedAmount(string Path, string Text, string Spelled);

/// <summary>One value of a body.</summary>
/// <param name="Name">The member's name, the item's number; empty at the top.</param>
/// <param name="Type">object, array, string, number, true, false or null.</param>
/// <param name="Text">A string's text, or a scalar exactly as it was sent.</param>
/// <param name="Children">Members or items.</param>
/// <param name="LeftOut">Values beneath that are not on the page at all.</param>
public sealed record ArgumentNode(
    string Name, string Type, string Text, IReadOnlyList<ArgumentNode> Children, int LeftOut)
{
    public bool IsBranch => Type is "object" or "array";
}

/// <summary>A body as a tree of bounded size, with its amounts. Pure.</summary>
public sealed class ArgumentTree
{
    private readonly AmountPins _pins = new();
    private int _room = ConsoleLimits.ValuesShownMax;

    private ArgumentTree()
    {
    }

    public ArgumentNode? Root { get; private set; }

    /// <summary>The numbers that stay in sight, those that are named like amounts first.</summary>
    public IReadOnlyList<PinnedAmount> Pinned { get; private set; } = [];

    /// <summary>How many numbers there are, shown or not.</summary>
    public int Numbers => _pins.Count;

    /// <summary>How many of them are named like amounts.</summary>
    public int NamedNumbers => _pins.NamedCount;

    /// <summary>True when values are not on the page at all.</summary>
    public bool IsCut { get; private set; }

    /// <summary>True when an amount may be where nobody sees it who neither scrolls nor opens anything.</summary>
    public bool NeedsReading =>
        IsCut || NamedNumbers > ConsoleLimits.AmountsStuckMax || (HidesDigits && NamedNumbers > 0);

    /// <summary>True when a number that stays in sight, or its name, is too long to be there whole.</summary>
    public bool HidesDigits =>
        Pinned.Take(ConsoleLimits.AmountsStuckMax).Any(static one => IsLong(one.Path) || IsLong(one.Text));

    /// <summary>True for what is too long to stay in sight whole.</summary>
    internal static bool IsLong(string text) => PinFold.Of(text, ConsoleLimits.PinCharactersStuckMax).Hidden > 0;

    /// <summary>Where the values of the body are, as RFC 6901 pointers, in the body's order; the first few
    /// hundred.</summary>
    public IReadOnlyList<string> Pointers()
    {
        List<string> found = [];
        if (Root is { } root) Point(root, "", found);
        return found;
    }

    private static void Point(ArgumentNode at, string pointer, List<string> found)
    {
        if (found.Count >= ConsoleLimits.PointersOfferedMax) return;
        if (!at.IsBranch && pointer.Length is > 0 and <= ControlPlaneLimits.PointerCharactersMax) found.Add(pointer);
        foreach (ArgumentNode child in at.Children)
        {
            string name = child.Name
                .Replace("~", "~0", StringComparison.Ordinal)
                .Replace("/", "~1", StringComparison.Ordinal);
            Point(child, pointer + "/" + name, found);
        }
    }

    /// <summary>Reads the target's query and the masked body.</summary>
    internal static ArgumentTree Of(string target, JsonElement body, bool hasBody)
    {
        bool isShown = hasBody && body.ValueKind != JsonValueKind.Undefined;
        ArgumentTree tree = new();
        tree.PinQuery(target);
        if (isShown)
        {
            tree.Root = tree.Read("", body, 0);
            tree._pins.AddBody(body);
        }

        tree.Pinned = tree._pins.Choose();
        return tree;
    }

    private ArgumentNode Read(string name, JsonElement value, int depth)
    {
        _room--;
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                {
                    List<ArgumentNode> members = [];
                    int leftOut = 0;
                    foreach (JsonProperty member in value.EnumerateObject())
                    {
                        if (_room > 0 && depth < ConsoleLimits.DepthMax)
                            members.Add(Read(member.Name, member.Value, depth + 1));
                        else leftOut++;
                    }

                    IsCut |= leftOut > 0;
                    return new ArgumentNode(name, "object", "", members, leftOut);
                }

            case JsonValueKind.Array:
                {
                    List<ArgumentNode> items = [];
                    int leftOut = 0, index = 0;
                    foreach (JsonElement item in value.EnumerateArray())
                    {
                        string number = index.ToString(CultureInfo.InvariantCulture);
                        if (_room > 0 && depth < ConsoleLimits.DepthMax)
                            items.Add(Read(number, item, depth + 1));
                        else leftOut++;
                        index++;
                    }

                    IsCut |= leftOut > 0;
                    return new ArgumentNode(name, "array", "", items, leftOut);
                }

            case JsonValueKind.String:
                return new ArgumentNode(name, "string", value.GetString()!, [], 0);
            case JsonValueKind.Number:
                return new ArgumentNode(name, "number", value.GetRawText(), [], 0);
            default:
                string word = value.GetRawText();
                return new ArgumentNode(name, word, word, [], 0);
        }
    }

    // ?amount=500 is an argument as much as a member of the body is.
    private void PinQuery(string target)
    {
        int mark = target.IndexOf('?', StringComparison.Ordinal);
        if (mark < 0) return;
        foreach (string pair in target[(mark + 1)..].Split('&'))
        {
            int sign = pair.IndexOf('=', StringComparison.Ordinal);
            if (sign <= 0) continue;
            string name = Uri.UnescapeDataString(pair[..sign]);
            string text = Uri.UnescapeDataString(pair[(sign + 1)..]);
            _pins.AddQuery(name, text);
        }
    }

    /// <summary>The number with its digits in threes, where the way it was written hides how large it is.</summary>
    internal static string Spell(string number)
    {
        int end = number.AsSpan().IndexOfAny('e', 'E');
        int digits = number.AsSpan(0, end < 0 ? number.Length : end).ToString().Count(char.IsAsciiDigit);
        if (digits > 28) return $"a number of {digits.ToString(CultureInfo.InvariantCulture)} digits";
        bool isExact = decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value);
        if (!isExact) return number.Length > 4 && end > 0 ? "very large or small" : "";
        string grouped = value.ToString("#,##0.############################", CultureInfo.InvariantCulture);
        string spelled = grouped.Replace(",", "\u202F", StringComparison.Ordinal);
        bool isSame = Math.Abs(value) < 10_000 && end < 0;
        return isSame ? "" : spelled;
    }
}
