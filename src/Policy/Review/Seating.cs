using Countersign.Policy.Approvals;

namespace Countersign.Policy.Review;

/// <summary>
/// Whether the people of a directory can fill stages, by the same matching that approvals are filled by.
/// </summary>
internal sealed class Seating
{
    private readonly List<List<DirectoryAccount>> _people = [];

    /// <param name="approvers">Accounts of persons. Those that the gateway sees linked count as one of them.</param>
    public Seating(IEnumerable<DirectoryAccount> approvers)
    {
        Dictionary<string, List<DirectoryAccount>> bySubject = new(StringComparer.OrdinalIgnoreCase);
        foreach (DirectoryAccount account in approvers)
        {
            string[] subjects = [account.Caller.Subject, .. account.Caller.Chain];
            List<DirectoryAccount>[] linked = [.. subjects
                .Select(subject => bySubject.GetValueOrDefault(subject)).OfType<List<DirectoryAccount>>().Distinct()];
            List<DirectoryAccount> person = linked.Length > 0 ? linked[0] : [];
            if (linked.Length == 0) _people.Add(person);
            foreach (List<DirectoryAccount> other in linked.Skip(1))
            {
                person.AddRange(other);
                _people.Remove(other);
            }

            person.Add(account);
            foreach (string subject in person.SelectMany(one => one.Caller.Chain.Append(one.Caller.Subject)))
            {
                bySubject[subject] = person;
            }
        }
    }

    /// <summary>
    /// Who would fill all the seats when <paramref name="asks"/> asks, one account a seat; null if a seat stays empty.
    /// </summary>
    public List<DirectoryAccount>? Fill(
        IReadOnlyList<StageTerms> stages, Caller? asks, Func<DirectoryAccount, bool>? may = null)
    {
        int wanted = stages.Sum(stage => stage.Count);
        List<DirectoryAccount> seated = [];
        List<ApprovalDecision> decisions = [];
        foreach (List<DirectoryAccount> person in _people)
        {
            if (seated.Count == wanted) break;
            List<DirectoryAccount> free = [.. person.Where(one =>
                (may is null || may(one)) && (asks is null || !ShareAPerson(one.Caller, asks)))];
            List<int> qualifies = [.. free
                .SelectMany(one => StageMatching.QualifiesFor(stages, one.Caller)).Distinct().Order()];
            if (qualifies.Count == 0 || StageMatching.Seat(stages, decisions, qualifies) is not { } seats) continue;
            seated.Add(free.First(one => StageMatching.QualifiesFor(stages, one.Caller).Count > 0));
            decisions.Add(new ApprovalDecision("", "", [], 0, true, "", DateTimeOffset.UnixEpoch)
            {
                Qualifies = qualifies,
            });
            for (int place = 0; place < seats.Length; place++)
            {
                decisions[place] = decisions[place] with { Stage = seats[place] };
            }
        }

        return seated.Count == wanted ? seated : null;
    }

    /// <summary>Everybody who could fill a seat of these stages when <paramref name="asks"/> asks.</summary>
    public IEnumerable<string> NamesFor(IReadOnlyList<StageTerms> stages, Caller? asks) => _people
        .Select(person => person.Find(one => StageMatching.QualifiesFor(stages, one.Caller).Count > 0
            && (asks is null || !ShareAPerson(one.Caller, asks))))
        .OfType<DirectoryAccount>().Select(one => one.Caller.Subject);

    private static bool ShareAPerson(Caller left, Caller right) =>
        Caller.ChainsMeet([left.Subject, .. left.Chain], [right.Subject, .. right.Chain]);
}
