using System.Globalization;
using System.Text.Json;

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
    // Names under which a text is an amount too: JSON has no decimals, so careful callers send them as text.
    private static readonly string[] AmountNames =
        ["amount", "total", "price", "sum", "value", "quantity", "qty", "count", "limit", "fee", "balance", "rate"];

    private readonly List<PinnedAmount> _amounts = [];
    private int _room = ConsoleLimits.ValuesShownMax;

    private ArgumentTree()
    {
    }

    public ArgumentNode? Root { get; private init; }

    /// <summary>The first amounts, in the body's order.</summary>
    public IReadOnlyList<PinnedAmount> Pinned => [.. _amounts.Take(ConsoleLimits.AmountsPinnedMax)];

    /// <summary>How many more there are.</summary>
    public int MoreAmounts => Math.Max(0, _amounts.Count - ConsoleLimits.AmountsPinnedMax);

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
        ArgumentTree tree = new();
        tree.PinQuery(target);
        return hasBody && body.ValueKind != JsonValueKind.Undefined ? tree.With(body) : tree;
    }

    private ArgumentTree With(JsonElement body)
    {
        ArgumentTree whole = new() { Root = Read("", "", body, 0) };
        whole._amounts.AddRange(_amounts);
        return whole;
    }

    private ArgumentNode Read(string name, string path, JsonElement value, int depth)
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
                        string at = path.Length == 0 ? member.Name : path + "." + member.Name;
                        if (_room > 0 && depth < ConsoleLimits.DepthMax)
                            members.Add(Read(member.Name, at, member.Value, depth + 1));
                        else leftOut++;
                    }

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
                            items.Add(Read(number, path + "[" + number + "]", item, depth + 1));
                        else leftOut++;
                        index++;
                    }

                    return new ArgumentNode(name, "array", "", items, leftOut);
                }

            case JsonValueKind.String:
                return Leaf(name, path, "string", value.GetString()!);
            case JsonValueKind.Number:
                _amounts.Add(new PinnedAmount(path, value.GetRawText(), Spell(value.GetRawText())));
                return new ArgumentNode(name, "number", value.GetRawText(), [], 0);
            default:
                string word = value.GetRawText();
                return new ArgumentNode(name, word, word, [], 0);
        }
    }

    private ArgumentNode Leaf(string name, string path, string type, string text)
    {
        if (IsAmount(name, text)) _amounts.Add(new PinnedAmount(path, text, Spell(text)));
        return new ArgumentNode(name, type, text, [], 0);
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
            if (IsAmount(name, text)) _amounts.Add(new PinnedAmount("?" + name, text, Spell(text)));
        }
    }

    private static bool IsAmount(string name, string text) =>
        text.Length is > 0 and <= 40 && text.Any(char.IsDigit)
        && Array.Exists(AmountNames, known => name.Contains(known, StringComparison.OrdinalIgnoreCase));

    /// <summary>The number with its digits in threes, where the way it was written hides how large it is.</summary>
    internal static string Spell(string number)
    {
        bool isExact = decimal.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value);
        if (!isExact) return number.Length > 4 && number.AsSpan().IndexOfAny('e', 'E') > 0 ? "very large or small" : "";
        string grouped = value.ToString("#,##0.############################", CultureInfo.InvariantCulture);
        string spelled = grouped.Replace(",", "\u202F", StringComparison.Ordinal);
        bool isSame = Math.Abs(value) < 10_000 && number.AsSpan().IndexOfAny('e', 'E') < 0;
        return isSame ? "" : spelled;
    }
}
