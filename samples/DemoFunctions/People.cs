using System.Text.Json.Nodes;

namespace Countersign.DemoFunctions;

/// <summary>A payment card; the numbers are the card schemes' public test numbers, and pass the Luhn check.</summary>
internal sealed record Card(string Brand, string Number, string Cvv, string Expires);

/// <summary>Where somebody lives.</summary>
internal sealed record Address(string Street, string City, string PostCode, string Country);

/// <summary>Somebody made up, with all that a mask should cover.</summary>
internal sealed record Person(
    string Id, string Name, string Email, string Phone, string Ssn, string DateOfBirth, Address Address, Card[] Cards,
    string ApiKey, string Session)
{
    public JsonObject ToJson() => new()
    {
        ["id"] = Id,
        ["name"] = Name,
        ["email"] = Email,
        ["phone"] = Phone,
        ["ssn"] = Ssn,
        ["date_of_birth"] = DateOfBirth,
        ["address"] = new JsonObject
        {
            ["street"] = Address.Street,
            ["city"] = Address.City,
            ["post_code"] = Address.PostCode,
            ["country"] = Address.Country,
        },
        ["cards"] = new JsonArray([.. Cards.Select(ToJson)]),
        ["tokens"] = new JsonObject { ["api_key"] = ApiKey, ["session"] = Session },
    };

    private static JsonNode ToJson(Card card) => new JsonObject
    {
        ["brand"] = card.Brand,
        ["number"] = card.Number,
        ["cvv"] = card.Cvv,
        ["expires"] = card.Expires,
    };
}

/// <summary>The people there are.</summary>
internal static class People
{
    // A JWT of nobody, signed with nothing: it looks like a session and opens none.
    private const string SessionStart = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

    public static IReadOnlyList<Person> All { get; } =
    [
        new("1", "Ada Moreau", "ada.moreau@example.com", "+1 202 555 0143", "219-09-9999", "1985-12-10",
            new("12 Analytical Way", "Washington", "20001", "US"),
            [
                new("visa", "4111111111111111", "737", "2029-03"),
                new("mastercard", "5555555555554444", "265", "2028-11"),
            ],
            "demo_key_8f4b2c6d1e9a47530b7c", SessionStart + "eyJzdWIiOiIxIn0.cGVyc29uLW9uZS1pcy1ub2JvZHk"),
        new("2", "Bruno Keller", "bruno.keller@example.org", "+49 30 901820", "457-55-5462", "1990-05-23",
            new("Lindenallee 7", "Berlin", "10115", "DE"),
            [new("amex", "378282246310005", "7373", "2030-01")],
            "demo_key_37d1a95e0c4f4b82a6e1", SessionStart + "eyJzdWIiOiIyIn0.cGVyc29uLXR3by1pcy1ub2JvZHk"),
        new("3", "Chloé Ñandú", "chloe.nandu@example.net", "+33 1 70 18 99 00", "078-05-1120", "1978-02-28",
            new("5 rue des Écoles", "Paris", "75005", "FR"),
            [new("discover", "6011111111111117", "198", "2027-07"), new("visa", "4012888888881881", "404", "2031-09")],
            "demo_key_b20e7fa41d5c46938c0f", SessionStart + "eyJzdWIiOiIzIn0.cGVyc29uLXRocmVlLWlzLW5vYm9keQ"),
        new("4", "Daan \"DJ\" de Vries", "daan.devries@example.com", "+31 20 794 0800", "219-09-8888", "2001-08-15",
            new("Keizersgracht 100", "Amsterdam", "1015 AA", "NL"),
            [new("mastercard", "5105105105105100", "311", "2026-12")],
            "demo_key_59ac13be7d084f2eb1d7", SessionStart + "eyJzdWIiOiI0In0.cGVyc29uLWZvdXItaXMtbm9ib2R5"),
    ];

    /// <summary>
    /// The person of that id; ids that nobody has are all the first person's, so that any id serves a demo.
    /// </summary>
    public static Person Find(string id) => All.FirstOrDefault(person => person.Id == id) ?? All[0] with { Id = id };
}
