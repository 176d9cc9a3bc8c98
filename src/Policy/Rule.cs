namespace Countersign.Policy;

/// <summary>Whether what is decided is done. Zero is.</summary>
public enum PolicyMode : byte
{
    /// <summary>What is decided is done.</summary>
    Enforce = 0,

    /// <summary>What is decided is written down, and the call let through.</summary>
    Observe,
}

/// <summary>A rule of the policy.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Groups">It speaks of callers in any of these.</param>
/// <param name="Functions">Function ids and patterns, as written.</param>
/// <param name="Effect">Deny, approve or allow.</param>
/// <param name="Approval">The terms, if and only if the effect is <see cref="Effect.Approve"/>.</param>
public sealed record Rule(
    string Id, IReadOnlyList<string> Groups, IReadOnlyList<string> Functions, Effect Effect, ApprovalTerms? Approval)
{
    /// <summary>The condition in CEL as written; null for a rule that holds for every call.</summary>
    public string? When { get; init; }

    /// <summary>
    /// Observe: where the rule would pause a call it lets it through, and where it would deny it does nothing; what it
    /// would have done is written down. Another rule's denial or approval stands.
    /// </summary>
    public PolicyMode Mode { get; init; }

    /// <summary>Why one person alone may call a high or critical function by this rule; empty if nobody said.</summary>
    public string Alone { get; init; } = "";

    /// <summary>The line of the document that it stands on, from 1; 0 for one that was not read.</summary>
    public int Line { get; init; }

    /// <summary>The column of that line, from 1.</summary>
    public int Column { get; init; }

    /// <summary>The file that it stands in, of a policy in several; empty where there is one document.</summary>
    public string File { get; init; } = "";

    /// <summary>True if it speaks of some calls only, by what they hold.</summary>
    internal bool IsConditional => When is not null;
}

/// <summary>A static separation of duties: who holds two of the groups is denied every function.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Groups">Two or more.</param>
public sealed record Separation(string Id, IReadOnlyList<string> Groups)
{
    /// <summary>The line of the document that it stands on, from 1; 0 for one that was not read.</summary>
    public int Line { get; init; }

    /// <summary>The column of that line, from 1.</summary>
    public int Column { get; init; }
}

/// <summary>
/// A dynamic separation of duties: who made one of the functions on an object may not make another of them on the same
/// object within the window.
/// </summary>
/// <param name="Id">Its name.</param>
/// <param name="Functions">Function ids and patterns, as written.</param>
/// <param name="Object">What names the object, in CEL.</param>
/// <param name="Window">For how long what was done counts.</param>
internal sealed record DynamicSeparation(string Id, IReadOnlyList<string> Functions, string Object, TimeSpan Window)
{
    /// <summary>The line of the document that it stands on, from 1.</summary>
    public int Line { get; init; }

    /// <summary>The column of that line, from 1.</summary>
    public int Column { get; init; }

    /// <summary>The file that it stands in, of a policy in several.</summary>
    public string File { get; init; } = "";
}

/// <summary>A mask, what it covers and who sees past it.</summary>
/// <param name="Terms">What is masked, and how.</param>
/// <param name="Functions">Function ids and patterns, as written.</param>
/// <param name="ExceptGroups">Members of any of these see the values; empty exempts nobody.</param>
public sealed record MaskRule(MaskTerms Terms, IReadOnlyList<string> Functions, IReadOnlyList<string> ExceptGroups);
