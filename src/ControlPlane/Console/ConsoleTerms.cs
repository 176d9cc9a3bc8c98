namespace Countersign.ControlPlane.Console;

/// <summary>How long people stay signed in at the console.</summary>
public sealed record ConsoleTerms
{
    /// <summary>Without doing anything.</summary>
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Whatever they do.</summary>
    public TimeSpan SessionMax { get; init; } = TimeSpan.FromHours(8);

    /// <summary>After signing in: who acts on approvals later signs in anew first, so that their groups are not
    /// older.</summary>
    public TimeSpan GroupsMax { get; init; } = TimeSpan.FromHours(1);
}
