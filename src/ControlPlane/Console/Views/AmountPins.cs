using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Countersign.ControlPlane.Console.Views;

/// <summary>
/// Chooses the numbers that stay in sight. The whole body is searched, also what is too large for the page. Numbers
/// that are named like amounts come first, then the largest; no number of other values can take a named one's place.
/// </summary>
internal sealed class AmountPins
{
    // Under these names a text is an amount too: JSON has no decimals, so careful callers send them as text.
    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        "amount", "total", "subtotal", "price", "sum", "value", "quantity", "qty", "count", "limit", "fee", "balance",
        "rate", "cost", "charge", "payment", "refund", "credit", "debit", "tax", "net", "gross", "pay", "salary",
        "budget", "discount", "percent", "percentage", "max", "min", "maximum", "minimum", "units", "cents", "pence",
        "eur", "usd", "gbp", "chf", "jpy", "money", "cash", "betrag", "summe", "preis", "montant", "prix", "importe",
        "importo", "precio",
    };

    // Long enough to be meant wherever they are: totalprice, REFUNDAMOUNT.
    private static readonly string[] Stems =
        ["amount", "total", "price", "balance", "quantity", "payment", "salary", "budget"];

    private readonly List<Candidate> _named = [];
    private readonly List<Candidate> _others = [];
    private int _namedCount;
    private int _otherCount;

    /// <summary>How many numbers there are, and how many of them are named like amounts.</summary>
    public int Count => _namedCount + _otherCount;

    /// <summary>How many are named like amounts.</summary>
    public int NamedCount => _namedCount;

    /// <summary>The chosen ones, the most telling first.</summary>
    public IReadOnlyList<PinnedAmount> Choose()
    {
        int others = Math.Max(0, ConsoleLimits.AmountsPinnedMax - _named.Count);
        return [.. _named.Concat(_others.Take(others)).Select(one => one.Pin())];
    }

    /// <summary>Takes an argument of the target's query.</summary>
    public void AddQuery(string name, string text)
    {
        int rank = RankOf(name, isBeneath: false);
        if (rank < 3 && IsAmountText(text)) Add(new Place(null, "?" + name, false, 1), text, rank);
    }

    /// <summary>Takes every number of a body.</summary>
    public void AddBody(JsonElement body) => Walk(new Place(null, "", false, 0), body, rank: 3, isBeneath: false);

    private void Walk(Place at, JsonElement value, int rank, bool isBeneath)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    int own = RankOf(member.Name, isBeneath);
                    Walk(new Place(at, member.Name, false, at.Depth + 1), member.Value, own, own < 3);
                }

                break;
            case JsonValueKind.Array:
                int index = 0;
                foreach (JsonElement item in value.EnumerateArray())
                {
                    string number = index.ToString(CultureInfo.InvariantCulture);
                    Walk(new Place(at, number, true, at.Depth + 1), item, isBeneath ? Math.Max(rank, 1) : 3, isBeneath);
                    index++;
                }

                break;
            case JsonValueKind.Number:
                Add(at, value.GetRawText(), rank);
                break;
            case JsonValueKind.String when rank < 3 && value.GetString() is { } text && IsAmountText(text):
                Add(at, text, rank);
                break;
        }
    }

    private void Add(Place at, string text, int rank)
    {
        bool isNumber = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double size);
        Candidate candidate = new(at, text, rank, isNumber ? Math.Abs(size) : double.MaxValue, Count);
        if (rank < 3)
        {
            _namedCount++;
            Keep(_named, candidate, ConsoleLimits.NamedPinnedMax);
        }
        else
        {
            _otherCount++;
            Keep(_others, candidate, ConsoleLimits.AmountsPinnedMax);
        }
    }

    private static void Keep(List<Candidate> kept, Candidate candidate, int most)
    {
        int at = kept.BinarySearch(candidate);
        kept.Insert(at < 0 ? ~at : at, candidate);
        if (kept.Count > most) kept.RemoveAt(most);
    }

    /// <summary>0 where the whole name is such a word, 1 where one of its words is, 2 beneath such a name, 3 for no
    /// amount.</summary>
    private static int RankOf(string name, bool isBeneath)
    {
        if (Words.Contains(name)) return 0;
        foreach (string word in WordsOf(name))
        {
            if (Words.Contains(word) || (word.EndsWith('s') && Words.Contains(word[..^1]))) return 1;
        }

        bool hasStem = Array.Exists(Stems, stem => name.Contains(stem, StringComparison.OrdinalIgnoreCase));
        return hasStem ? 1 : isBeneath ? 2 : 3;
    }

    // unitPrice, unit_price, UNIT-PRICE, XMLTotal: a word ends at what is no letter, and before a capital.
    private static IEnumerable<string> WordsOf(string name)
    {
        int from = 0;
        for (int at = 0; at <= name.Length; at++)
        {
            bool isLetter = at < name.Length && char.IsLetter(name[at]);
            bool isTurn = isLetter && at > from && char.IsUpper(name[at])
                && (!char.IsUpper(name[at - 1]) || (at + 1 < name.Length && char.IsLower(name[at + 1])));
            if (isLetter && !isTurn) continue;
            if (at > from) yield return name[from..at];
            from = isTurn ? at : at + 1;
        }
    }

    // A short text with a digit in it, or a text of any length that is written like a number.
    private static bool IsAmountText(string text) => text.Any(char.IsDigit)
        && (text.Length <= 40 || text.All(one => char.IsDigit(one) || " .,'+-eE_\u00A0\u202F".Contains(one)));

    /// <summary>Where a value is: names are joined for those alone that are shown.</summary>
    private sealed record Place(Place? Above, string Name, bool IsItem, int Depth)
    {
        public string Path()
        {
            List<Place> way = [];
            for (Place? at = this; at is not null; at = at.Above) way.Add(at);
            StringBuilder path = new();
            for (int step = way.Count - 1; step >= 0; step--)
            {
                Place at = way[step];
                if (at.IsItem) path.Append('[').Append(at.Name).Append(']');
                else if (path.Length == 0) path.Append(at.Name);
                else path.Append('.').Append(at.Name);
            }

            return path.ToString();
        }
    }

    /// <summary>A number that may be shown; the least is the most telling.</summary>
    private sealed record Candidate(Place At, string Text, int Rank, double Size, int Order) : IComparable<Candidate>
    {
        public int CompareTo(Candidate? other)
        {
            if (other is null) return -1;
            int order = Rank.CompareTo(other.Rank);
            if (order == 0 && Rank < 3) order = At.Depth.CompareTo(other.At.Depth);
            if (order == 0) order = other.Size.CompareTo(Size);
            return order == 0 ? Order.CompareTo(other.Order) : order;
        }

        public PinnedAmount Pin() => new(At.Path(), Text, ArgumentTree.Spell(Text));
    }
}
