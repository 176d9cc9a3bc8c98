namespace Countersign.Policy.Review;

/// <summary>
/// Ways round dynamic separations, and objects that they leave with nobody to go on: one person who does two of the
/// functions by accounts that nothing links, and functions that nobody is left for once another was done.
/// </summary>
internal sealed class DutyHoles(PolicySnapshot policy, PeopleDirectory directory, Seating seating)
{
    /// <summary>Askers of one function that are tried; beyond them nobody can say that there is none.</summary>
    private const int AskersMax = 64;

    private readonly CallerWays _ways = new(policy);
    private readonly List<PolicyFinding> _findings = [];

    public static IEnumerable<PolicyFinding> Find(PolicySnapshot policy, PeopleDirectory directory, Seating seating)
    {
        DutyHoles holes = new(policy, directory, seating);
        foreach (DynamicSeparation separation in policy.DynamicSeparations) holes.Look(separation);
        return holes._findings;
    }

    private void Look(DynamicSeparation separation)
    {
        Function[] functions = [.. policy.Functions.Where(function =>
            policy.SeparationsAt(function).Contains(separation))];
        Dictionary<Function, List<Part>> parts = functions.ToDictionary(function => function, PartsOf);
        FindRound(separation, functions, parts);
        foreach (Function first in functions)
        {
            foreach (Function then in functions)
            {
                if (first != then && FindStuck(separation, first, then)) return;
            }
        }
    }

    /// <summary>Who may take part in a function, by asking for it or by approving it.</summary>
    private List<Part> PartsOf(Function function)
    {
        List<Part> parts = [];
        List<StageTerms> stages = [];
        foreach (DirectoryAccount account in directory.Accounts)
        {
            IReadOnlyList<Way> ways = _ways.Of(account.Caller, function);
            if (ways.Count > 0) parts.Add(new Part(account, "calls"));
            stages.AddRange(ways.SelectMany(way => way.Stages).Except(stages));
        }

        parts.AddRange(directory.Accounts.Where(account => _ways.CanApprove(account, stages))
            .Select(account => new Part(account, "approves")));
        return parts;
    }

    private void FindRound(
        DynamicSeparation separation, Function[] functions, Dictionary<Function, List<Part>> parts)
    {
        foreach (Function first in functions)
        {
            ILookup<string, Part> byPerson = parts[first].ToLookup(
                part => part.Account.Person, StringComparer.OrdinalIgnoreCase);
            foreach (Function then in functions.Where(other => string.CompareOrdinal(other.Id, first.Id) > 0))
            {
                foreach (Part other in parts[then])
                {
                    Part? one = byPerson[other.Account.Person].FirstOrDefault(
                        part => !CallerWays.AreLinked(part.Account.Caller, other.Account.Caller));
                    if (one is null) continue;
                    string person = other.Account.Person;
                    Add(FindingWeight.Error, separation,
                        $"separation '{separation.Id}' is got round: {person} does both {first.Id} and {then.Id}",
                        [
                            $"{one.Account.Caller.Subject} {one.Verb} {first.Id}",
                            $"{other.Account.Caller.Subject} {other.Verb} {then.Id} on the same object",
                            $"both are {person}, and nothing that the gateway sees links them",
                        ]);
                    return;
                }
            }
        }
    }

    /// <summary>Everybody who asks or approves, in both, must be somebody else.</summary>
    private bool FindStuck(DynamicSeparation separation, Function first, Function then)
    {
        List<(DirectoryAccount Who, Way Way)> before = AskersOf(first);
        List<(DirectoryAccount Who, Way Way)> after = AskersOf(then);
        bool isTried = before.Count is > 0 and <= AskersMax && after.Count is > 0 and <= AskersMax;
        if (!isTried) return false;
        foreach ((DirectoryAccount one, Way done) in before)
        {
            // What nobody can do first keeps nobody from the other.
            if (seating.Fill(done.Stages, one.Caller) is null) continue;
            foreach ((DirectoryAccount other, Way wanted) in after)
            {
                if (CallerWays.AreLinked(one.Caller, other.Caller)) continue;
                List<DirectoryAccount>? seated = seating.Fill(
                    [.. done.Stages, .. wanted.Stages], one.Caller,
                    may: account => !CallerWays.AreLinked(account.Caller, other.Caller));
                if (seated is not null) return false;
            }
        }

        (DirectoryAccount asker, Way way) = before[0];
        Way left = after[0].Way;
        Add(directory.IsLearned ? FindingWeight.Warning : FindingWeight.Error, separation,
            $"separation '{separation.Id}' leaves nobody to do {then.Id} to what {first.Id} was done to",
            [
                $"{asker.Caller.Subject} calls {first.Id}{Takes(way)}",
                $"{then.Id} takes somebody else who may call it{Takes(left)}, and nobody who took part in the first",
            ]);
        return true;
    }

    private List<(DirectoryAccount Who, Way Way)> AskersOf(Function function) =>
    [
        .. directory.Accounts.Select(account => (account, way: _ways.Of(account.Caller, function)
            .OrderBy(way => way.Stages.Sum(stage => stage.Count)).FirstOrDefault()))
            .Where(one => one.way is not null).Select(one => (one.account, one.way!)),
    ];

    private static string Takes(Way way) =>
        way.Stages.Count == 0 ? "" : $", which takes {Outlook.Describe(way.Stages)}";

    private void Add(
        FindingWeight weight, DynamicSeparation separation, string message, IReadOnlyList<string> path) =>
        _findings.Add(new PolicyFinding(weight, separation.Line, separation.Column, message, path)
        {
            File = separation.File,
        });

    private sealed record Part(DirectoryAccount Account, string Verb);
}
