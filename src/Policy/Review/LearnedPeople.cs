namespace Countersign.Policy.Review;

/// <summary>
/// Makes a directory of callers that were seen. It knows no more than their tokens said: accounts whose chains meet are
/// one person's, and who never called is not there.
/// </summary>
internal sealed class LearnedPeople
{
    private readonly Dictionary<(string Issuer, string Subject), Caller> _seen = [];
    private readonly Dictionary<string, string> _links = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A caller, as last seen.</summary>
    public void Add(Caller caller)
    {
        _seen[(caller.Issuer, caller.Subject)] = caller;

        // An account and the one person that its token names. A chain of several people makes them no one person.
        bool isAccount = caller.Kind == CallerKind.Human && caller.Chain.Count == 1;
        if (isAccount) _links[Root(caller.Subject)] = Root(caller.Chain[0]);
    }

    public List<DirectoryAccount> Accounts() =>
    [
        .. _seen.Values.OrderBy(caller => caller.Subject, StringComparer.Ordinal)
            .ThenBy(caller => caller.Issuer, StringComparer.Ordinal)
            .Select(caller => new DirectoryAccount(caller, PersonOf(caller))),
    ];

    // What acts for people is the first one's; with nobody behind it, it stands for itself.
    private string PersonOf(Caller caller) =>
        Root(caller.Kind == CallerKind.Human || caller.Chain.Count == 0 ? caller.Subject : caller.Chain[0]);

    private string Root(string name)
    {
        string at = name;
        while (_links.TryGetValue(at, out string? next) && next != at) at = next;
        return at;
    }
}
