namespace Countersign.Policy.Review;

/// <summary>One account: what a token of it would say, and which person is behind it.</summary>
/// <param name="Caller">As the gateway would see it.</param>
/// <param name="Person">The person who can use it, by the id of their own account.</param>
public sealed record DirectoryAccount(Caller Caller, string Person);

/// <summary>
/// Who there is: people with their accounts, and what acts for them. It holds what is so, which may be more than tokens
/// say; that difference is where holes are.
/// </summary>
/// <param name="Accounts">In the order of the document.</param>
public sealed record PeopleDirectory(IReadOnlyList<DirectoryAccount> Accounts)
{
    /// <summary>
    /// True for callers that were seen, not people who are known to be there: who never called is not in it, and it
    /// says no more than tokens did.
    /// </summary>
    public bool IsLearned { get; private init; }

    /// <summary>
    /// What was seen of callers, each by what was last seen of it. Accounts whose tokens name one person are that
    /// person's.
    /// </summary>
    public static PeopleDirectory Learn(IEnumerable<Caller> callers)
    {
        ArgumentNullException.ThrowIfNull(callers);
        LearnedPeople people = new();
        foreach (Caller caller in callers) people.Add(caller);
        return new PeopleDirectory(people.Accounts()) { IsLearned = true };
    }

    /// <summary>Reads a directory: YAML, or JSON. Every error is reported; with any there is no directory.</summary>
    /// <param name="text">The document.</param>
    /// <param name="errors">What is wrong with it.</param>
    /// <param name="personOf">Whose account an id is, by the gateway's list of aliases; null for one that is not
    /// listed.</param>
    public static PeopleDirectory? Read(
        string text, out IReadOnlyList<PolicyError> errors, Func<string, string?>? personOf = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        PolicyErrors found = new();
        List<DirectoryAccount> accounts = [];
        bool isTooLarge = System.Text.Encoding.UTF8.GetByteCount(text) > PolicyLimits.DocumentBytesMax;
        if (isTooLarge) found.Add(1, 1, $"the directory is larger than {PolicyLimits.DocumentBytesMax} bytes");
        else if (DocumentTree.Read(text, found) is { } root)
            new DirectoryReader(accounts, found, personOf).ReadRoot(root);
        errors = found.InOrder();
        return errors.Count == 0 ? new PeopleDirectory(accounts) : null;
    }
}
