namespace Countersign.Policy.Conditions;

/// <summary>
/// The characters of which more than two differ in case alone, or two that are no upper and lower case of each other
/// (Unicode 14.0, CaseFolding.txt, kinds C and S). RE2's <c>(?i)</c> takes each for all of them; .NET knows the usual
/// pairs only.
/// </summary>
internal static class PatternFolds
{
    private static readonly string[] Orbits =
    [
        "\u004B\u006B\u212A", "\u0053\u0073\u017F", "\u00B5\u039C\u03BC", "\u00C5\u00E5\u212B", "\u00DF\u1E9E",
        "\u01C4\u01C5\u01C6", "\u01C7\u01C8\u01C9", "\u01CA\u01CB\u01CC", "\u01F1\u01F2\u01F3",
        "\u0345\u0399\u03B9\u1FBE", "\u0392\u03B2\u03D0", "\u0395\u03B5\u03F5", "\u0398\u03B8\u03D1\u03F4",
        "\u039A\u03BA\u03F0", "\u03A0\u03C0\u03D6", "\u03A1\u03C1\u03F1", "\u03A3\u03C2\u03C3", "\u03A6\u03C6\u03D5",
        "\u03A9\u03C9\u2126", "\u0412\u0432\u1C80", "\u0414\u0434\u1C81", "\u041E\u043E\u1C82", "\u0421\u0441\u1C83",
        "\u0422\u0442\u1C84\u1C85", "\u042A\u044A\u1C86", "\u0462\u0463\u1C87", "\u1C88\uA64A\uA64B",
        "\u1E60\u1E61\u1E9B",
        "\u1F80\u1F88", "\u1F81\u1F89", "\u1F82\u1F8A", "\u1F83\u1F8B", "\u1F84\u1F8C", "\u1F85\u1F8D",
        "\u1F86\u1F8E", "\u1F87\u1F8F", "\u1F90\u1F98", "\u1F91\u1F99", "\u1F92\u1F9A", "\u1F93\u1F9B",
        "\u1F94\u1F9C", "\u1F95\u1F9D",
        "\u1F96\u1F9E", "\u1F97\u1F9F", "\u1FA0\u1FA8", "\u1FA1\u1FA9", "\u1FA2\u1FAA", "\u1FA3\u1FAB", "\u1FA4\u1FAC",
        "\u1FA5\u1FAD", "\u1FA6\u1FAE", "\u1FA7\u1FAF", "\u1FB3\u1FBC", "\u1FC3\u1FCC", "\u1FF3\u1FFC",
    ];

    /// <summary>All that a character is the same as but for case; null where the usual pair will do.</summary>
    public static string? OrbitOf(int code) =>
        Array.Find(Orbits, orbit => code <= char.MaxValue && orbit.Contains((char)code, StringComparison.Ordinal));

    /// <summary>Adds to a class what its characters are the same as.</summary>
    public static void Widen(List<(int From, int To)> ranges)
    {
        (int From, int To)[] written = [.. ranges];
        foreach (string orbit in Orbits)
        {
            bool isIn = orbit.Any(one => Array.Exists(written, range => one >= range.From && one <= range.To));
            if (isIn) ranges.AddRange(orbit.Select(one => ((int)one, (int)one)));
        }
    }
}
