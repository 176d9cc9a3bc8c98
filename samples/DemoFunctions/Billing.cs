using System.Text.Json.Nodes;

namespace Countersign.DemoFunctions;

/// <summary>A bill's line.</summary>
internal sealed record LedgerLine(string Id, DateTimeOffset At, string Kind, decimal Amount, string Memo);

/// <summary>One account and its ledger. Thread-safe.</summary>
internal sealed class Account(string id, Person owner, string iban, string webhookToken)
{
    // A demo that is driven hard must not grow without end; the oldest lines go first.
    private const int LedgerLinesMax = 10_000;

    private readonly Lock _gate = new();
    private readonly Queue<LedgerLine> _ledger = new();
    private decimal _balance;
    private int _resets;
    private int _linesEver;

    public string Id => id;

    public Person Owner => owner;

    public void Add(DateTimeOffset at, string kind, decimal amount, string memo) => _ = Post(at, kind, amount, memo);

    /// <summary>The whole account, as <c>GET /billing/{account}</c> shows it.</summary>
    public JsonObject ToJson()
    {
        lock (_gate)
        {
            return new JsonObject
            {
                ["account"] = id,
                ["currency"] = "EUR",
                ["balance"] = _balance,
                ["owner"] = new JsonObject { ["name"] = owner.Name, ["email"] = owner.Email },
                ["payment_method"] = new JsonObject
                {
                    ["type"] = "card",
                    ["card"] = new JsonObject
                    {
                        ["number"] = owner.Cards[0].Number,
                        ["cvv"] = owner.Cards[0].Cvv,
                        ["expires"] = owner.Cards[0].Expires,
                    },
                    ["iban"] = iban,
                },
                ["ledger"] = new JsonArray([.. _ledger.Select(ToJson)]),
                ["resets"] = _resets,
                ["webhook_token"] = webhookToken,
            };
        }
    }

    /// <summary>Wipes the ledger.</summary>
    public JsonObject Reset()
    {
        lock (_gate)
        {
            int removed = _ledger.Count;
            _ledger.Clear();
            _balance = 0;
            _resets++;
            return new JsonObject
            {
                ["account"] = id,
                ["status"] = "reset",
                ["entries_removed"] = removed,
                ["owner"] = new JsonObject { ["name"] = owner.Name, ["email"] = owner.Email },
                ["card"] = new JsonObject { ["number"] = owner.Cards[0].Number },
            };
        }
    }

    /// <summary>Pays <paramref name="amount"/> back to the card.</summary>
    public JsonObject Refund(DateTimeOffset at, decimal amount, string currency, string reason)
    {
        string line = Post(at, "refund", -amount, reason);
        return new JsonObject
        {
            ["id"] = line,
            ["account"] = id,
            ["amount"] = amount,
            ["currency"] = currency,
            ["status"] = "refunded",
            ["card"] = new JsonObject { ["number"] = owner.Cards[0].Number },
            ["notify_email"] = owner.Email,
        };
    }

    private string Post(DateTimeOffset at, string kind, decimal amount, string memo)
    {
        lock (_gate)
        {
            string line = $"{id}-{++_linesEver:D6}";
            if (_ledger.Count == LedgerLinesMax) _ledger.Dequeue();
            _ledger.Enqueue(new LedgerLine(line, at, kind, amount, memo));
            _balance += amount;
            return line;
        }
    }

    private static JsonNode ToJson(LedgerLine line) => new JsonObject
    {
        ["id"] = line.Id,
        ["at"] = line.At.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
        ["kind"] = line.Kind,
        ["amount"] = line.Amount,
        ["memo"] = line.Memo,
    };
}

/// <summary>The accounts there are.</summary>
internal sealed class Billing
{
    // A demo that anybody can call must not grow without end.
    private const int AccountsMax = 1_000;

    private readonly Dictionary<string, Account> _accounts = new(StringComparer.Ordinal);
    private readonly DateTimeOffset _openedAt;

    public Billing(DateTimeOffset now)
    {
        _openedAt = now;
        Open(now, "42", People.All[0], "DE89370400440532013000", "whk_demo_5f1c0e2ab94d4c7e8d11");
        Open(now, "43", People.All[1], "GB82WEST12345698765432", "whk_demo_a07b7cf21e6443d09be2");
        Open(now, "44", People.All[2], "FR1420041010050500013M02606", "whk_demo_c91d2b0f7a3e4f5d8c33");
        Open(now, "45", People.All[3], "NL91ABNA0417164300", "whk_demo_17e0f4d6b8a2491c9f44");
    }

    /// <summary>
    /// The account of that name; one that nobody has asked for yet is opened, so that any name serves a demo.
    /// </summary>
    public Account? Find(string id)
    {
        lock (_accounts)
        {
            if (_accounts.TryGetValue(id, out Account? known) || _accounts.Count >= AccountsMax) return known;
            Person owner = People.All[_accounts.Count % People.All.Count];
            Open(_openedAt, id, owner, "DE89370400440532013000", $"whk_demo_{_accounts.Count:x20}");
            return _accounts[id];
        }
    }

    private void Open(DateTimeOffset now, string id, Person owner, string iban, string webhookToken)
    {
        Account account = new(id, owner, iban, webhookToken);
        account.Add(now.AddDays(-62), "invoice", 129.00m, "Team plan, January");
        account.Add(now.AddDays(-60), "payment", -129.00m, $"Card ending {owner.Cards[0].Number[^4..]}");
        account.Add(now.AddDays(-31), "invoice", 129.00m, "Team plan, February");
        account.Add(now.AddDays(-3), "invoice", 24.50m, $"Extra seats, asked for by {owner.Name}");
        _accounts.Add(id, account);
    }
}
