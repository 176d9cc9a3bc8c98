namespace Countersign.Policy;

/// <summary>One thing that is wrong with a policy document.</summary>
/// <param name="Line">Where, from 1.</param>
/// <param name="Column">Where in the line, in UTF-16 code units from 1.</param>
/// <param name="Message">What is wrong, in one sentence for the policy's writer.</param>
public sealed record PolicyError(int Line, int Column, string Message)
{
    /// <summary>The file that it is in, of a policy in several; empty where there is one document.</summary>
    public string File { get; init; } = "";
}

/// <summary>What reading a policy document gave: a snapshot, or every error in it.</summary>
/// <param name="Snapshot">The compiled policy; null if there is any error.</param>
/// <param name="Json">The document as canonical compact JSON, as the store keeps it; empty if there is any error.
/// Reading it again gives the same snapshot and the same JSON.</param>
/// <param name="Errors">Every error, by line and column; empty if there is a snapshot.</param>
public sealed record PolicyReading(PolicySnapshot? Snapshot, string Json, IReadOnlyList<PolicyError> Errors);
