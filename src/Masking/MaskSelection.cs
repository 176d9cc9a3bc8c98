using Countersign.Masking.Detectors;

namespace Countersign.Masking;

/// <summary>A mask as policy has it: what it selects in a body, all of it under one action.</summary>
/// <param name="Fields">Names and paths (<see cref="MaskField"/>).</param>
/// <param name="Detectors">Names of detectors (<see cref="DetectorNames"/>).</param>
/// <param name="Action">What happens to a value. Tokens without a key are redactions.</param>
/// <param name="Names">How names are compared.</param>
/// <param name="Key">What tokens are made with.</param>
public sealed record MaskSelection(
    IReadOnlyList<string> Fields, IReadOnlyList<string> Detectors, MaskAction Action, MaskNames Names, TokenKey? Key)
{
    /// <summary>A program that redacts every value whole, for masks that cannot be applied as they are
    /// meant.</summary>
    public static MaskProgram Everything { get; } = MaskProgram.Compile([new MaskRule("$", MaskAction.Redact)]);

    /// <summary>
    /// Compiles selections. What cannot be compiled, since it names what is unknown here or is too much for one
    /// program, is <see cref="Everything"/>: never less than was meant is masked.
    /// </summary>
    public static MaskProgram Compile(IEnumerable<MaskSelection> selections)
    {
        ArgumentNullException.ThrowIfNull(selections);
        try
        {
            return MaskProgram.Compile([.. selections.SelectMany(selection => selection.Rules())]);
        }
        catch (ArgumentException)
        {
            // Each field was checked when the policy was read; all together may still be too many for one program.
            return Everything;
        }
    }

    /// <summary>
    /// One rule for each field and each detector, in this order; tokens are of the class that the field or detector is
    /// named.
    /// </summary>
    /// <exception cref="ArgumentException">A detector is unknown.</exception>
    public IReadOnlyList<MaskRule> Rules()
    {
        MaskAction action = Action == MaskAction.Tokenize && Key is null ? MaskAction.Redact : Action;
        List<MaskRule> rules = [];
        foreach (string field in Fields) rules.Add(new MaskRule(field, action) { Names = Names, Key = Key });
        foreach (string name in Detectors)
        {
            if (!DetectorNames.TryParse(name, out DetectorSet detector, out _))
                throw new ArgumentException("there is no detector " + name, nameof(Detectors));
            rules.Add(new MaskRule("", action) { Detect = detector, Key = Key, Class = name });
        }

        return rules;
    }
}
