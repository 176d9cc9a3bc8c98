namespace Countersign.Masking.Content;

/// <summary>A secret that is looked for.</summary>
internal sealed class KnownSecret
{
    /// <summary>Its bytes.</summary>
    public ReadOnlyMemory<byte> Value { get; private set; }

    /// <summary>How many of its first bytes are none that an escape could begin with.</summary>
    public int PlainBytes { get; private set; }

    /// <summary>Where it was found next, as it is; -1 where nobody looked.</summary>
    public int Next { get; set; } = -1;

    /// <summary>Becomes another secret, whose bytes stay the caller's.</summary>
    public void Become(ReadOnlyMemory<byte> value)
    {
        Value = value;
        int plain = value.Span.IndexOfAny(EscapedText.Beginnings);
        PlainBytes = plain < 0 ? value.Length : plain;
    }
}
