using System.Text;
using Countersign.Masking;
using Countersign.Masking.Detectors;
using Countersign.Policy;
using Countersign.Policy.Review;

namespace Countersign.ControlPlane.Policies;

/// <summary>A document that was read and looked through for holes.</summary>
/// <param name="Reading">What it means.</param>
/// <param name="Errors">What is wrong with it, holes included; empty if it may be published.</param>
/// <param name="Warnings">What people should look at.</param>
internal sealed record CheckedPolicy(
    PolicyReading Reading, IReadOnlyList<PolicyError> Errors, IReadOnlyList<PolicyError> Warnings)
{
    /// <summary>What it is compiled to; null if it may not be published.</summary>
    public PolicySnapshot? Snapshot => Errors.Count == 0 ? Reading.Snapshot : null;
}

/// <summary>Reads documents, and looks for holes over the directory of people that the gateway was given.</summary>
/// <param name="options">Where people are found, and which accounts are one person's.</param>
/// <param name="learned">The callers that were seen.</param>
/// <param name="lendingFault">Why an upstream would be lent nothing; null where nobody here knows.</param>
internal sealed class PolicyCheck(
    ControlPlaneOptions options, LearnedCallers learned, Func<Upstream, string?>? lendingFault)
{
    public static PolicyReading Read(string text) =>
        PolicyReader.Read(text, new MaskVocabulary(MaskField.Check, DetectorNames.Check));

    /// <param name="text">The document.</param>
    /// <param name="overPeople">The asker may learn who is in which group.</param>
    public CheckedPolicy Check(string text, bool overPeople)
    {
        PolicyReading reading = Read(text);
        if (reading.Snapshot is not { } snapshot) return new CheckedPolicy(reading, reading.Errors, []);
        List<PolicyError> unlent = [.. LendingFaults(snapshot)];
        if (unlent.Count > 0) return new CheckedPolicy(reading, unlent, []);
        PeopleDirectory? people = null;
        if (overPeople && !TryReadDirectory(out people))
        {
            // Whoever runs the gateway wants holes to be looked for, so nothing goes in unseen.
            PolicyError fault = new(1, 1, "the gateway's directory of people cannot be read, so nothing is published");
            return new CheckedPolicy(reading, [fault], []);
        }

        IReadOnlyList<PolicyFinding> findings = HoleFinder.Find(snapshot, people);
        return new CheckedPolicy(reading, Of(findings, FindingWeight.Error), Of(findings, FindingWeight.Warning));
    }

    // Every call of such an upstream would be 503 for as long as the policy is in force.
    private IEnumerable<PolicyError> LendingFaults(PolicySnapshot snapshot)
    {
        foreach (Upstream upstream in lendingFault is null ? [] : snapshot.Upstreams)
        {
            if (lendingFault!(upstream) is { } fault)
                yield return new PolicyError(1, 1, $"upstream '{upstream.Name}': {fault}");
        }
    }

    private static List<PolicyError> Of(IReadOnlyList<PolicyFinding> findings, FindingWeight weight) =>
        [.. findings.Where(finding => finding.Weight == weight).Select(finding => finding.ToError())];

    private bool TryReadDirectory(out PeopleDirectory? people)
    {
        people = null;
        if (options is { LearnsPeople: false, DirectoryFile: null }) return true;
        try
        {
            people = options.LearnsPeople ? learned.Find() : PeopleDirectory.Read(
                File.ReadAllText(options.DirectoryFile!, Encoding.UTF8), out _, options.PersonOf);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }

        return people is not null;
    }
}
