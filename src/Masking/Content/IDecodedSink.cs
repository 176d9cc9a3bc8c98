namespace Countersign.Masking.Content;

/// <summary>Takes what a body was decoded to.</summary>
internal interface IDecodedSink
{
    /// <summary>Takes <paramref name="bytes"/> at once; false to end the decoding, which refuses the body.</summary>
    bool TryTake(ReadOnlySpan<byte> bytes);
}
