using System.Diagnostics.CodeAnalysis;

namespace Countersign.Masking.Detectors;

/// <summary>The detectors as policy names them.</summary>
public static class DetectorNames
{
    private static readonly string[] Names =
    [
        "payment-card", "email", "us-ssn", "iban", "phone", "jwt", "private-key", "vendor-key", "basic-auth-url",
        "high-entropy",
    ];

    /// <summary>Every name, in the order of the bits of <see cref="DetectorSet"/>.</summary>
    public static IReadOnlyList<string> All => Names;

    /// <summary>
    /// The detector of this name, written exactly so; or false, and in <paramref name="suggestion"/> the name that was
    /// probably meant, or null where none is near.
    /// </summary>
    public static bool TryParse(string name, out DetectorSet detector, out string? suggestion)
    {
        ArgumentNullException.ThrowIfNull(name);
        int place = Array.IndexOf(Names, name);
        detector = place < 0 ? DetectorSet.None : (DetectorSet)(1u << place);
        suggestion = place < 0 ? Nearest(name) : null;
        return place >= 0;
    }

    /// <summary>Null for a detector's name; else a message that says what is wrong, and what was probably
    /// meant.</summary>
    public static string? Check(string name)
    {
        if (TryParse(name, out _, out string? suggestion)) return null;
        string hint = suggestion is null ? "" : "; did you mean '" + suggestion + "'?";
        return "there is no detector '" + name + "'" + hint;
    }

    /// <summary>The name of one detector.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none, or more than one.</exception>
    [SuppressMessage("Design", "CA1062", Justification = "an enumeration")]
    public static string NameOf(DetectorSet detector)
    {
        int place = System.Numerics.BitOperations.TrailingZeroCount((uint)detector);
        bool isOne = System.Numerics.BitOperations.IsPow2((uint)detector) && place < Names.Length;
        ArgumentOutOfRangeException.ThrowIfEqual(isOne, false, nameof(detector));
        return Names[place];
    }

    // A third of the letters may be wrong: `creditcard` is no slip of `payment-card`, `payment_card` is.
    private static string? Nearest(string written)
    {
        string? nearest = null;
        int least = int.MaxValue;
        foreach (string name in Names)
        {
            int allowed = Math.Max(1, name.Length / 3);
            if (Math.Abs(name.Length - written.Length) > allowed) continue;
            int distance = Distance(written, name);
            if (distance > allowed || distance >= least) continue;
            nearest = name;
            least = distance;
        }

        return nearest;
    }

    private static int Distance(string written, string name)
    {
        int[] row = new int[name.Length + 1];
        for (int column = 0; column <= name.Length; column++) row[column] = column;
        foreach (char letter in written)
        {
            int diagonal = row[0]++;
            for (int column = 1; column <= name.Length; column++)
            {
                bool isSame = char.ToLowerInvariant(letter) == name[column - 1];
                int replaced = diagonal + (isSame ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(replaced, Math.Min(row[column], row[column - 1]) + 1);
            }
        }

        return row[name.Length];
    }
}
