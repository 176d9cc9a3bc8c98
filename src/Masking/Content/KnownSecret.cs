namespace Countersign.Masking.Content;

/// <summary>A secret that is looked for.</summary>
internal sealed class KnownSecret
{
    // Of which characters it was asked, and which of those are in it; the last one stands for all from DEL on.
    private UInt128 _asked, _found;

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
        _asked = _found = default;
    }

    /// <summary>True if a character is in it, or may be: of those from DEL on it is only known whether there are any.
    /// A space and a plus sign are one.</summary>
    public bool Has(int letter)
    {
        UInt128 bit = UInt128.One << Math.Min(letter, 0x7F);
        if ((_asked & bit) == 0)
        {
            _asked |= bit;
            if (IsIn(letter, Value.Span)) _found |= bit;
        }

        return (_found & bit) != 0;
    }

    private static bool IsIn(int letter, ReadOnlySpan<byte> value) => letter switch
    {
        ' ' or '+' => value.IndexOfAny((byte)' ', (byte)'+') >= 0,
        < 0x7F => value.Contains((byte)letter),
        _ => value.IndexOfAnyInRange((byte)0x7F, (byte)0xFF) >= 0,
    };
}
