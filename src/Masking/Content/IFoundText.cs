using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>Says what stands in place of masked text. The text is decoded, and what is written is encoded again by who
/// asks.</summary>
internal interface IFoundText
{
    /// <summary>Writes what replaces <paramref name="text"/>, which was <paramref name="found"/> by detectors, or by
    /// its name where that is <see cref="Detection.None"/>.</summary>
    void Write(ReadOnlySpan<byte> text, in Detection found, IBufferWriter<byte> output);
}
