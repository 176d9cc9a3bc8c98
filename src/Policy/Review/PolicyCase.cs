namespace Countersign.Policy.Review;

/// <summary>What a case expects; what is null is not looked at.</summary>
/// <param name="Effect">What is done; null with <paramref name="IsUnknown"/>, or where it does not matter.</param>
/// <param name="IsUnknown">No function is found.</param>
/// <param name="Rule">The ids of what decided, joined by commas.</param>
/// <param name="Function">The function found.</param>
/// <param name="Stages">Each as <c>1 of finance-leads</c>, or <c>2 of sre or security</c>.</param>
/// <param name="Masks">The ids of the masks on the answer.</param>
/// <param name="Observed">What would have been done if nothing were in observe.</param>
public sealed record CaseExpectation(
    Effect? Effect, bool IsUnknown, string? Rule, string? Function, IReadOnlyList<string>? Stages,
    IReadOnlyList<string>? Masks, Effect? Observed);

/// <summary>One case of a test file: given a call, expect a decision.</summary>
/// <param name="Name">What it shows.</param>
/// <param name="Line">Where it stands, from 1.</param>
/// <param name="Given">The call.</param>
/// <param name="Expected">The decision.</param>
public sealed record PolicyCase(string Name, int Line, CallSample Given, CaseExpectation Expected);

/// <summary>A file of cases.</summary>
/// <param name="Policy">The policy they are about, relative to the file; empty if it does not say.</param>
/// <param name="Cases">In order.</param>
public sealed record PolicyCases(string Policy, IReadOnlyList<PolicyCase> Cases)
{
    /// <summary>Reads a file of cases: YAML, or JSON. Every error is reported; with any there are no cases.</summary>
    public static PolicyCases? Read(string text, out IReadOnlyList<PolicyError> errors)
    {
        ArgumentNullException.ThrowIfNull(text);
        PolicyErrors found = new();
        PolicyCaseReader reader = new(found);
        bool isTooLarge = System.Text.Encoding.UTF8.GetByteCount(text) > PolicyLimits.DocumentBytesMax;
        if (isTooLarge) found.Add(1, 1, $"the file is larger than {PolicyLimits.DocumentBytesMax} bytes");
        else if (DocumentTree.Read(text, found) is { } root) reader.ReadRoot(root);
        errors = found.InOrder();
        return errors.Count == 0 ? new PolicyCases(reader.Policy, reader.Cases) : null;
    }

    /// <summary>Runs every case.</summary>
    public PolicyTestReport Run(PolicySnapshot policy, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(clock);
        PolicyCaseRun run = new(policy, clock);
        List<PolicyCaseResult> results = [.. Cases.Select(run.Run)];
        return new PolicyTestReport(results, run.Unexercised());
    }
}

/// <summary>How a case came out.</summary>
/// <param name="Case">The case.</param>
/// <param name="Faults">What was not as expected; empty if it passed.</param>
/// <param name="Said">What the policy says, in words.</param>
public sealed record PolicyCaseResult(PolicyCase Case, IReadOnlyList<string> Faults, string Said)
{
    /// <summary>True if all was as expected.</summary>
    public bool IsPassed => Faults.Count == 0;
}

/// <summary>How all cases came out, and what none of them showed.</summary>
/// <param name="Results">In order.</param>
/// <param name="Unexercised">Ids of rules and separations that decided no case.</param>
public sealed record PolicyTestReport(IReadOnlyList<PolicyCaseResult> Results, IReadOnlyList<string> Unexercised);
