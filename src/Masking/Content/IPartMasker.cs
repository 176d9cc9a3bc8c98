using System.Buffers;

namespace Countersign.Masking.Content;

/// <summary>Masks the bodies of a multipart's parts, one after another.</summary>
internal interface IPartMasker
{
    /// <summary>True if what form data calls a part is too long to be compared, and a rule could still mean
    /// it.</summary>
    bool IsTooLong(ReadOnlySpan<byte> name);

    /// <summary>Begins a part of that kind; false if such a part cannot be masked, which refuses the body.
    /// <paramref name="name"/> is what form data calls the part, or empty.</summary>
    bool TryBegin(ContentKind kind, ReadOnlySpan<byte> name);

    /// <summary>Takes the part's next bytes; as <see cref="JsonMasker.Write"/>.</summary>
    MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output);

    /// <summary>The part has ended.</summary>
    MaskStatus Finish(IBufferWriter<byte> output);
}
