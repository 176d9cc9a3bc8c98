namespace Countersign.ControlPlane;

/// <summary>One witness of this gateway's log.</summary>
/// <param name="Key">Its public key.</param>
/// <param name="Through"><c>fleet</c>, or the address that it is asked at.</param>
/// <param name="Size">Entries under the last head that it cosigned; 0 for none.</param>
/// <param name="CosignedAt">When, as the witness says.</param>
/// <param name="Trouble">What went wrong last; empty where nothing did.</param>
public sealed record ChainWitness(string Key, string Through, long Size, DateTimeOffset CosignedAt, string Trouble);

/// <summary>How this gateway's log stands with those who watch it.</summary>
/// <param name="Witnesses">Who cosigns it, and how far.</param>
/// <param name="Conflicts">Logs of other gateways that contradicted what this one saw of them, each with how.</param>
/// <param name="Doubt">Why this gateway's own log is not to be believed; null where nothing says so.</param>
public sealed record ChainOfTrust(
    IReadOnlyList<ChainWitness> Witnesses, IReadOnlyDictionary<string, string> Conflicts, string? Doubt)
{
    /// <summary>Why high-risk calls are refused for want of witnesses; null where they are not.</summary>
    public string? Unwitnessed { get; init; }

    /// <summary>This gateway's key as a witness of other logs, for whoever names it in <c>audit.witnesses</c>; empty
    /// where it is none.</summary>
    public string WitnessKey { get; init; } = "";

    /// <summary>Nobody watches.</summary>
    public static ChainOfTrust None { get; } = new([], new Dictionary<string, string>(), null);
}
