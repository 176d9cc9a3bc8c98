using Countersign.Masking;
using Countersign.Masking.Detectors;
using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary>What masks of a policy may speak of: all that this executable can mask.</summary>
internal static class MaskWords
{
    /// <summary>Fields and detectors of the masking library.</summary>
    internal static MaskVocabulary All { get; } = new(MaskField.Check, DetectorNames.Check);
}
