using System.Diagnostics;
using System.Globalization;
using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Bench;

/// <summary>
/// Prints how many bytes a second all detectors together look through, on one thread, by kind of text. A text is one
/// value, so that nothing but the search is counted. The best of many rounds of a millisecond is shown, which is the
/// thread's own time.
/// </summary>
internal static class DetectorSpeed
{
    private const int TextBytes = 1 << 20;
    private const int Rounds = 12;
    private const double WarmSeconds = 0.6;
    private const DetectorSet All = (DetectorSet)1023;

    /// <summary>Measures each text and prints a line for it.</summary>
    public static async Task<int> RunAsync(TextWriter output)
    {
        (string Name, byte[] Text)[] texts =
        [
            ("prose", Repeat(Prose)), ("log lines", Repeat(Log)), ("numbers, commas", Numbers(',')),
            ("numbers, spaces", Numbers(' ')), ("decimals", Decimals()), ("ids in hexadecimal", Hexadecimal()),
            ("personal records", Repeat(Record)), ("dense personal data", Repeat(Personal)),
            ("dense keys", Repeat(Keys)),
        ];
        await output.WriteLineAsync("text                      GB/s    detections");
        foreach ((string name, byte[] text) in texts)
        {
            (double speed, int count) = Measure(text);
            string line = string.Create(CultureInfo.InvariantCulture, $"{name,-22} {speed,7:F2} {count,13}");
            await output.WriteLineAsync(line);
        }

        await output.WriteLineAsync("short values (30 bytes), filter then search:");
        (double values, int found) = MeasureValues(Repeat(Log));
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{"",-22} {values,7:F2} {found,13}"));
        return 0;
    }

    private static (double Speed, int Count) Measure(byte[] text)
    {
        int count = 0;
        double best = double.MaxValue;
        // Long enough for the runtime to compile for good in the background.
        long warmed = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(warmed).TotalSeconds < WarmSeconds) count = Count(text.AsSpan(0, 4_096));
        for (int round = 0; round < Rounds * 4; round++)
        {
            long before = Stopwatch.GetTimestamp();
            count = Count(text);
            best = Math.Min(best, Stopwatch.GetElapsedTime(before, Stopwatch.GetTimestamp()).TotalSeconds);
        }

        return (text.Length / best / 1e9, count);
    }

    private static int Count(ReadOnlySpan<byte> text)
    {
        int count = 0;
        var search = new ValueSearch(new(text), All, besideTellingName: false);
        while (search.TryNext(out _)) count++;
        return count;
    }

    private static (double Speed, int Count) MeasureValues(byte[] text)
    {
        const int ValueBytes = 30;
        int count = 0;
        double best = double.MaxValue;
        for (int round = 0; round < Rounds * 4; round++)
        {
            long before = Stopwatch.GetTimestamp();
            count = 0;
            for (int at = 0; at + ValueBytes <= text.Length; at += ValueBytes)
            {
                ReadOnlySpan<byte> value = text.AsSpan(at, ValueBytes);
                DetectorSet possible = ValueFilter.Possible(value, All & ~DetectorSet.HighEntropy);
                if (possible != 0 && ValueDetector.TryFind(value, possible, 0, false, out _)) count++;
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(before, Stopwatch.GetTimestamp()).TotalSeconds);
        }

        return (text.Length / best / 1e9, count);
    }

    private static byte[] Repeat(string piece)
    {
        var text = new StringBuilder();
        while (text.Length < TextBytes) text.Append(piece);
        return Encoding.UTF8.GetBytes(text.ToString(0, TextBytes));
    }

    private static byte[] Numbers(char parting)
    {
        var random = new Random(7);
        var text = new StringBuilder();
        while (text.Length < TextBytes) text.Append(random.Next(1_000_000_000)).Append(parting);
        return Encoding.ASCII.GetBytes(text.ToString(0, TextBytes));
    }

    private static byte[] Decimals()
    {
        var random = new Random(8);
        var text = new StringBuilder();
        while (text.Length < TextBytes)
            text.Append((random.NextDouble() * 100).ToString(CultureInfo.InvariantCulture)).Append(", ");
        return Encoding.ASCII.GetBytes(text.ToString(0, TextBytes));
    }

    private static byte[] Hexadecimal()
    {
        byte[] bytes = new byte[16];
        var random = new Random(9);
        var text = new StringBuilder();
        while (text.Length < TextBytes)
        {
            random.NextBytes(bytes);
            text.Append(new Guid(bytes)).Append(' ');
        }

        return Encoding.ASCII.GetBytes(text.ToString(0, TextBytes));
    }

    private const string Prose =
        "The committee met on Tuesday to consider what had been asked of it, and after some hours it agreed that the "
        + "matter should rest where it was: neither the letter nor the reply had said anything new. They left by the "
        + "east door, as they always did, and the porter (who had seen 12 of them come and 11 go) locked up after. ";

    private const string Log =
        "2024-05-17T09:31:07.123Z INFO  request method=GET path=/api/v1/accounts/8812/orders?page=2 status=200 "
        + "duration_ms=17 bytes=48213 client=10.0.3.17 trace=4bf92f3577b34da6a3ce929d0e0e4736\n";

    private const string Personal =
        "{\"name\":\"Ada Winter\",\"mail\":\"ada.winter@example.com\",\"card\":\"4111 1111 1111 1111\","
        + "\"phone\":\"+1 415 555 2671\",\"ssn\":\"123-45-6789\",\"iban\":\"GB82 WEST 1234 5698 7654 32\"},\n";

    private const string Record =
        "{\"id\":81723,\"name\":\"Ada Winter\",\"mail\":\"ada.winter@example.com\",\"city\":\"Leeds\",\"created\":"
        + "\"2024-05-17T09:31:07Z\",\"card\":\"4111 1111 1111 1111\",\"currency\":\"EUR\",\"amount\":1287.50,"
        + "\"status\":\"settled\",\"note\":\"second reminder was sent, no answer so far\",\"active\":true},\n";

    private const string Keys =
        "export KEY=AKIAIOSFODNN7EXAMPLE SECRET=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY "
        + "db=postgres://app:hunter2@db/x "
        + "gh=ghp_abcdefghijklmnopqrstuvwxyz0123456789 "
        + "jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U\n";
}
