namespace Countersign.Policy.Review;

/// <summary>What a finding is worth. Zero refuses the policy.</summary>
public enum FindingWeight : byte
{
    /// <summary>A hole: the policy is not published.</summary>
    Error = 0,

    /// <summary>For people to look at; published all the same.</summary>
    Warning,
}

/// <summary>Something that a policy lets happen, or that can never happen under it.</summary>
/// <param name="Weight">Whether the policy is refused.</param>
/// <param name="Line">Where in the document, from 1.</param>
/// <param name="Column">Where in the line, from 1.</param>
/// <param name="Message">What it is, in one sentence.</param>
/// <param name="Path">The example, step by step; empty where the message says it all.</param>
public sealed record PolicyFinding(
    FindingWeight Weight, int Line, int Column, string Message, IReadOnlyList<string> Path)
{
    /// <summary>The file that it is in, of a policy in several; empty where there is one document.</summary>
    public string File { get; init; } = "";

    /// <summary>As the errors of a document are shown: with its example in the message.</summary>
    public PolicyError ToError() =>
        new(Line, Column, Path.Count == 0 ? Message : $"{Message}: {string.Join("; ", Path)}")
        {
            File = File,
        };
}
