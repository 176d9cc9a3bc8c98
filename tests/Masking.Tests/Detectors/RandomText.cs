using System.Text;

namespace Countersign.Masking.Tests.Detectors;

/// <summary>
/// Random texts in which every detector finds something, or nearly does. A tilde in a piece is left out: it keeps
/// scanners of repositories calm.
/// </summary>
internal static class RandomText
{
    private static readonly string[] Pieces =
    [
        "4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "378282246310005", "3782 822463 10005",
        "6011111111111117", "30569309025904", "3530111333300000", "6759649826438453", "4222222222222",
        "2223003122003222",
        "4111111111111111.0", "378282246310005.00", "4111-1111-1111-1111.0",
        "0.4111111111111111", "4111111111111112", "123-45-6789", "123 45 6789", "078-05-1120", "666-12-3456",
        "900-12-3456",
        "GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432", "DE89370400440532013000", "gb82west12345698765432",
        "NO9386011117947", "FR14 2004 1010 0505 0001 3M02 606", "GB82 WEST 1234 5698 7654 33",
        "+1 415 555 2671", "+14155552671", "(415) 555-2671", "415-555-2671", "415.555.2671", "1 (415) 555-2671",
        "1.(415) 555-2671", "1.415-555-2671",
        "1-415-555-2671", "+44 (0)20 7946 0958", "+49 30 901820", "020 7946 0958", "0171/1234567", "01.23.45.67.89",
        "(030) 901820-12", "0044 20 7946 0958", "+999 123 4567", "(415)555.2671", "030 901820 12", "+33 1 23 45 67 89",
        "ada@example.com", "a.b+c@mail.example.co.uk", "jörg@münchen.de", "x@y.рф", "no@host", "a@b.c1",
        "bob@example.com，",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJFUzI1NiJ9..dozjgNryP4J3jVmNHl0w", "eyJhbGciOiJub25lIn0..", "eyJhbGciOiJkaXIifQ..b.c.d",
        "eyJhbGciOjB9.a.", "eyJhbGciOjB9..a",
        "eyJ0eXAiOiJKV1QifQ.e30.abc", "eyJhbGciOiJkaXIifQ.a.b.c.d", "eyJhbGciOiJkaXIifQ.a.b.c",
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nMIIB",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----x-----END PGP PRIVATE KEY BLOCK-----", "-----BEGIN CERTIFICATE-----",
        "-----END PRIVATE KEY-----", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ASIAIOSFODNN7EXAMPLE",
        "gh~p_abcdefghijklmnopqrstuvwxyz0123456789", "gi~thub_pat_11ABCDEFG0abcdefghijkl_0123456789abcdef",
        "gl~pat-abcdefghij0123456789", "gl~pat-abcdefghij0123456789.01.abc123def", "xo~xb-123456789012-abcdefABCDEF",
        "ho~oks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "sk~_live_abcdefghijklmnopqrstuvwx",
        "rk~_test_abcdefghijklmnop", "wh~sec_abcdefghijklmnopqrstuvwxyz012345",
        "AI~zaSyA-abcdefghijklmnopqrstuvwxyz01234",
        "sk~-proj-abcdEFGH0123456789abcdEFGH0123456789", "sk~-ant-api03-abcdefghijklmnopqrstuvwxyz012345",
        "sk-fading-circle-container-of-the-page", "https://user:pass@host.example/x", "redis://:secret@cache:6379",
        "http://a:b@c@d.example", "https://host/path@x:y", "ftp://user@host", "password=Tr0ub4dor&3",
        "api_key: \"a1B2c3D4e5F6\"",
        "\"client-secret\":\"Zx9!kLmQ27pw\"", "token = abcdefgh", "Authorization: Bearer mF_9.B5f-4.1JqM",
        "tokenType=a1B2c3D4e5F6", "app_password=xkqz vbnw plmt rfgh", "xkqz-vbnw-plmt-rfgh", "xkqz vbnw plmt rfgh",
        "pwd:aaaaaaaaaaaa1", "hunter2", "s3cr3tV4lue", "a1B2c3D4e5F6", "2024-05-17T09:31:07", "3.141592653589793",
        "10.0.0.17",
        "12345678901234567890", "word", "été", "の", "\n", "\t", "\"", "/", "::", "==", "@", "+", "(", ")", ".",
        "-----", "e", "0",
    ];

    private static readonly string[] Partings =
        ["", " ", " ", "  ", ",", ", ", "-", ".", ":", "=", "/", "\n", "x", "7", "é", "@"];

    public static byte[] Of(Random random)
    {
        var text = new StringBuilder();
        for (int left = random.Next(1, 9); left > 0; left--)
        {
            string piece = Pieces[random.Next(Pieces.Length)].Replace("~", "", StringComparison.Ordinal);
            if (random.Next(4) == 0) piece = Damaged(random, piece);
            text.Append(piece).Append(Partings[random.Next(Partings.Length)]);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>A private key that is as long as what is held, or a little more, or less, with or without what ends
    /// it.</summary>
    public static byte[] LongKey(Random random)
    {
        const string Label = "RSA PRIVATE KEY";
        string[] pieces =
        [
            "MIIE", "vQIB+/9=", "\n", "\r\n", "\\n", "\\\\r", "\t", " ", "Comment: ", "Hash:", ":", "-", "-----", "\\",
            "n", "-----END ", Label, "-----END " + Label, "-----END PRIVATE KEY-----", "END", "x-Y: a.b (é)\n", "a_b",
        ];
        string[] ends =
            ["-----END " + Label + "-----", "(", ".", "é", "a: b. ", "\n9: ", "-----BEGIN PRIVATE KEY-----"];
        var text = new StringBuilder("-----BEGIN " + Label + "-----\n");
        if (random.Next(4) > 0) text.Append(Filler(16_300, random.Next(2) == 0 ? "\n" : "\\n"));
        for (int left = random.Next(1, 120); left > 0; left--) text.Append(pieces[random.Next(pieces.Length)]);
        if (random.Next(8) == 0) text.Append(Filler(random.Next(60_000), "\n"));
        for (int left = random.Next(4); left > 0; left--)
            text.Append(ends[random.Next(ends.Length)]).Append(pieces[random.Next(pieces.Length)]);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Pieces of such texts that begin and end where they like, with little between them.</summary>
    public static byte[] Overlapping(Random random)
    {
        const string Key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----";
        var text = new StringBuilder();
        for (int left = 2 + random.Next(5); left > 0; left--)
        {
            string piece = random.Next(4) switch
            {
                0 => Key,
                1 => new[] { "secret=a1B2c3D4", "token: x9Yz8Wv7", "https://u:p", "bob@example.com" }[random.Next(4)],
                _ => Encoding.UTF8.GetString(Of(random)),
            };
            int start = random.Next(3) == 0 ? random.Next(piece.Length) : 0;
            int end = random.Next(3) == 0 ? random.Next(start, piece.Length) : piece.Length;
            text.Append(piece.AsSpan(start, end - start)).Append(new[] { "", "", " ", ":", "@", "-" }[random.Next(6)]);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Filler(int length, string end)
    {
        string line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" + end;
        return string.Concat(Enumerable.Repeat(line, length / line.Length));
    }

    private static string Damaged(Random random, string piece)
    {
        int place = random.Next(piece.Length);
        return random.Next(4) switch
        {
            0 => piece.Remove(place, 1),
            1 => piece.Insert(place, piece[place].ToString()),
            2 => piece[..place] + " -.()+=:@/0aZ_"[random.Next(14)] + piece[(place + 1)..],
            _ => piece.Insert(place, " -.()+=:@/0aZ_"[random.Next(14)].ToString()),
        };
    }
}
