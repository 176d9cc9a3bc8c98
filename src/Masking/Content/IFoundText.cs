using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>Says what stands in place of masked text. The text is decoded, and what is written is encoded again by who
/// asks.</summary>
internal interface IFoundText
{
    /// <summary>Writes what replaces <paramref name="text"/>, which <paramref name="detector"/> found, or a rule's name
    /// where that is <see cref="DetectorSet.None"/>.</summary>
    void Write(ReadOnlySpan<byte> text, DetectorSet detector, IBufferWriter<byte> output);
}
