namespace Countersign.ControlPlane.Console;

/// <summary>How long people stay signed in at the console.</summary>
public sealed record ConsoleTerms
{
    /// <summary>Without doing anything.</summary>
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Whatever they do; their groups are those of the sign-in until then.</summary>
    public TimeSpan SessionMax { get; init; } = TimeSpan.FromHours(8);
}
