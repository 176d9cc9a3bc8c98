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
    /// <summary>Reads a directory: YAML, or JSON. Every error is reported; with any there is no directory.</summary>
    public static PeopleDirectory? Read(string text, out IReadOnlyList<PolicyError> errors)
    {
        ArgumentNullException.ThrowIfNull(text);
        PolicyErrors found = new();
        List<DirectoryAccount> accounts = [];
        bool isTooLarge = System.Text.Encoding.UTF8.GetByteCount(text) > PolicyLimits.DocumentBytesMax;
        if (isTooLarge) found.Add(1, 1, $"the directory is larger than {PolicyLimits.DocumentBytesMax} bytes");
        else if (DocumentTree.Read(text, found) is { } root) new DirectoryReader(accounts, found).ReadRoot(root);
        errors = found.InOrder();
        return errors.Count == 0 ? new PeopleDirectory(accounts) : null;
    }
}
