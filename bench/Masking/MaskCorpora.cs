using System.Globalization;
using System.Text;

namespace Countersign.Bench.Masking;

/// <summary>Bodies to mask.</summary>
internal static class MaskCorpora
{
    private const int Payments = 2_000;
    private const int Users = 10;
    private const int Seed = 20_260_301;

    /// <summary>The made corpora, and the JSON files of those beside the checkout, or of the folder that MASK_CORPORA
    /// names.</summary>
    internal static IEnumerable<(string Name, byte[] Body)> Load()
    {
        yield return ("payments (made)", MakePayments());
        yield return ("users (made)", MakeUsers());
        if (Folder() is not { } folder) yield break;
        foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            if (Path.GetExtension(file) is ".json" or ".ndjson")
                yield return (Path.GetFileName(file), File.ReadAllBytes(file));
        }
    }

    // What MASK_CORPORA names, or the corpora beside a checkout, if they are there.
    private static string? Folder()
    {
        if (Environment.GetEnvironmentVariable("MASK_CORPORA") is { Length: > 0 } named) return named;
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "global.json"))) root = root.Parent;
        if (root?.Parent is not { } beside) return null;
        string folder = Path.Combine(beside.FullName, "shared", "data", "json", "bench");
        return Directory.Exists(folder) ? folder : null;
    }

    private static byte[] MakePayments()
    {
        Random random = new(Seed);
        StringBuilder text = new("[");
        for (int payment = 0; payment < Payments; payment++)
        {
            if (payment > 0) text.Append(',');
            text.Append(
                CultureInfo.InvariantCulture,
                $$"""
                {"id":"pay_{{random.NextInt64():x16}}","amount":{{random.Next(10_000_000) / 100.0}},"currency":"EUR",
                "captured":{{(random.Next(2) == 0 ? "true" : "false")}},"card":{"card_number":"{{Card(random)}}",
                "exp_month":{{random.Next(1, 13)}},"exp_year":{{random.Next(2026, 2034)}},"network":"visa"},
                "customer":{"name":"Person {{random.Next(100_000)}}","email":"p{{random.Next(100_000)}}@example.test"},
                "lines":[{"sku":"A-{{random.Next(10_000)}}","qty":{{random.Next(1, 9)}},"note":null},
                {"sku":"B-{{random.Next(10_000)}}","qty":{{random.Next(1, 9)}},"note":"hand to \"reception\""}]}
                """);
        }

        return Encoding.UTF8.GetBytes(text.Append(']').ToString());
    }

    // As short as most answers are, without white space between tokens, and every tenth token a hit.
    private static byte[] MakeUsers()
    {
        Random random = new(Seed);
        StringBuilder text = new("{\"page\":1,\"users\":[");
        for (int user = 0; user < Users; user++)
        {
            if (user > 0) text.Append(',');
            text.Append(
                CultureInfo.InvariantCulture,
                $$$"""
                {"id":{{{user}}},"name":"Linus Jensen","email":"linus.jensen{{{user}}}@example.test",
                "card":{"pan":"{{{Card(random)}}}","cvv":"{{{random.Next(100, 1_000)}}}","exp":"11/29"},
                "ssn":"492-{{{random.Next(10, 100)}}}-{{{random.Next(1_000, 10_000)}}}",
                "active":{{{(random.Next(2) == 0 ? "true" : "false")}}},"balance":{{{random.Next(1_000_000) / 100.0}}},
                "address":{"street":"{{{random.Next(1, 999)}}} High St","city":"Malm\u00f6","zip":"61981"},
                "orders":[{"sku":"SKU-{{{random.Next(1_000, 10_000)}}}","qty":{{{random.Next(1, 9)}}},"note":null},
                {"sku":"SKU-{{{random.Next(1_000, 10_000)}}}","qty":7,"note":"said \"ok\""}]}
                """);
        }

        return Encoding.UTF8.GetBytes(text.Append("]}").Replace("\r", "").Replace("\n", "").ToString());
    }

    private static string Card(Random random)
    {
        Span<char> digits = stackalloc char[16];
        digits[0] = '4';
        int sum = 8;
        for (int place = 1; place < 15; place++)
        {
            int digit = random.Next(10);
            digits[place] = (char)('0' + digit);
            int twice = place % 2 == 0 ? digit * 2 : digit;
            sum += twice > 9 ? twice - 9 : twice;
        }

        digits[15] = (char)('0' + ((10 - (sum % 10)) % 10));
        return new string(digits);
    }
}
