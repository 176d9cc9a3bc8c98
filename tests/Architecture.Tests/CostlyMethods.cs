using System.Globalization;

namespace Countersign.Architecture.Tests;

/// <summary>Methods that each do one thing which a hot method may not. They are read, never run.</summary>
internal static class CostlyMethods
{
    public static int UsesLinq(int[] numbers) => numbers.Sum();

    public static Func<int> Captures(int number) => () => number;

    public static object Boxes(int number) => number;

    public static string Interpolates(int number) => $"{number} of them";

    public static string Formats(string name) => string.Format(CultureInfo.InvariantCulture, "{0} of them", name);

    public static async Task<object> WaitsThenBoxesAsync(Task<int> number) => await number;

    public static object? Switches(int which, long number)
    {
        switch (which)
        {
            case 0: return null;
            case 1: return "one";
            case 2: return "two";
            case 3: return number;
            default: return "many";
        }
    }

    public static int IsPlain(ReadOnlySpan<byte> bytes)
    {
        int sum = 0;
        foreach (byte one in bytes) sum += one;
        return sum;
    }
}
