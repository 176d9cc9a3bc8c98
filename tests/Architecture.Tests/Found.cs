namespace Countersign.Architecture.Tests;

/// <summary>What a rule found.</summary>
internal static class Found
{
    /// <summary>Fails with every finding, one to a line.</summary>
    public static void Nothing(IEnumerable<string> findings)
    {
        string[] all = [.. findings];
        Assert.True(all.Length == 0, all.Length + " found:\n" + string.Join('\n', all));
    }

    /// <summary>Fails with what only one of two lists has.</summary>
    public static void Same(IEnumerable<string> expected, IEnumerable<string> actual, string where)
    {
        string[] wanted = [.. expected];
        string[] have = [.. actual];
        Nothing(
        [
            .. wanted.Except(have).Select(name => where + " lacks " + name),
            .. have.Except(wanted).Select(name => where + " has " + name),
        ]);
    }
}
