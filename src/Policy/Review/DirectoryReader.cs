namespace Countersign.Policy.Review;

/// <summary>Reads a directory of people and of what acts for them.</summary>
internal sealed class DirectoryReader(
    List<DirectoryAccount> accounts, PolicyErrors errors, Func<string, string?>? personOf = null)
{
    private const string Issuer = "directory";
    private const int PeopleMax = 100_000;

    private static readonly SectionKeys Keys = new(["people"], ["agents"], [], []);
    private static readonly SectionKeys PersonKeys = new(["id", "groups"], ["accounts"], [], []);
    private static readonly SectionKeys AccountKeys = new(["id", "groups"], ["chain"], [], []);
    private static readonly SectionKeys AgentKeys = new(["id", "groups", "owner"], ["kind", "chain"], [], []);

    private readonly HashSet<string> _subjects = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _people = new(StringComparer.OrdinalIgnoreCase);

    public void ReadRoot(DocumentNode root)
    {
        if (Section.Open(root, "the directory", Keys, errors) is not { } directory) return;
        foreach (DocumentNode item in directory.List("people", 1, PeopleMax) ?? []) ReadPerson(item);
        foreach (DocumentNode item in directory.List("agents", 0, PeopleMax) ?? []) ReadAgent(item);
    }

    private void ReadPerson(DocumentNode node)
    {
        if (Section.Open(node, "a person", PersonKeys, errors) is not { } section) return;
        string person = ReadSubject(section);
        _people.Add(person);
        Add(person, CallerKind.Human, section.Groups("groups", 0), [NameOf(person)], person);
        foreach (DocumentNode item in section.List("accounts", 1, PolicyLimits.ListItemsMax) ?? [])
        {
            if (Section.Open(item, "an account", AccountKeys, errors) is not { } account) continue;
            string subject = ReadSubject(account);
            List<string> chain = account.Find("chain") is null
                ? [NameOf(subject)] : account.TextList("chain", 1, NoFault);
            Add(subject, CallerKind.Human, account.Groups("groups", 0), chain, person);
        }
    }

    private void ReadAgent(DocumentNode node)
    {
        if (Section.Open(node, "an agent", AgentKeys, errors) is not { } section) return;
        string subject = ReadSubject(section);
        string owner = section.Text("owner") ?? "";
        if (owner.Length > 0 && !_people.Contains(owner))
        {
            string hint = errors.Suggest(owner, _people);
            errors.Add(section.Find("owner")!, $"there is no person '{owner}'{hint}");
        }

        CallerKind kind = section.Word("kind", ["agent", "ci", "service"], []) switch
        {
            "ci" => CallerKind.Ci,
            "service" => CallerKind.Service,
            _ => CallerKind.Agent,
        };
        List<string> chain = section.Find("chain") is null ? [NameOf(owner)] : section.TextList("chain", 0, NoFault);
        Add(subject, kind, section.Groups("groups", 0), chain, owner);
    }

    // What tokens say by themselves, or the gateway's list of aliases for them.
    private string NameOf(string subject) => subject.Length == 0 ? subject : personOf?.Invoke(subject) ?? subject;

    private string ReadSubject(Section section)
    {
        string subject = section.Text("id") ?? "";
        if (subject.Length > 0 && !_subjects.Add(subject))
        {
            errors.Add(section.Find("id")!, $"the id '{subject}' is given twice; case does not count");
        }

        return subject;
    }

    private void Add(string subject, CallerKind kind, List<string> groups, List<string> chain, string person)
    {
        if (subject.Length == 0 || person.Length == 0) return;
        accounts.Add(new DirectoryAccount(new Caller(Issuer, subject, kind, groups, chain), person));
    }

    private static string? NoFault(string text) => null;
}
