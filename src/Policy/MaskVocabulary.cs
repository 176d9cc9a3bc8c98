namespace Countersign.Policy;

/// <summary>
/// What masks may speak of. Policy knows no masking of its own: whoever reads a document brings the words with it.
/// </summary>
/// <param name="FieldFault">Says what is wrong with a field name or path; null if nothing is.</param>
/// <param name="DetectorFault">Says what is wrong with a detector's name; null if nothing is.</param>
public sealed record MaskVocabulary(Func<string, string?> FieldFault, Func<string, string?> DetectorFault);
