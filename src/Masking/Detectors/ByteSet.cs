using System.Numerics;

namespace Countersign.Masking.Detectors;

/// <summary>Which bytes a text has.</summary>
internal readonly struct ByteSet
{
    private const ulong Digits = 0x03FF_0000_0000_0000;
    private const ulong Capitals = 0x07FF_FFFE;
    private const ulong Smalls = Capitals << 32;

    private readonly ulong _low;    // of the first 64, a bit each
    private readonly ulong _high;   // of the next 64

    // Without a branch for each byte: which half it is in is nothing to be foretold.
    public ByteSet(ReadOnlySpan<byte> text)
    {
        uint all = 0;
        foreach (byte one in text)
        {
            ulong bit = 1UL << (one & 63);
            ulong isHigh = 0UL - (uint)(one >> 6 & 1);
            ulong isAscii = (ulong)(one >> 7) - 1;
            _low |= bit & ~isHigh & isAscii;
            _high |= bit & isHigh & isAscii;
            all |= one;
        }

        IsAscii = all < 0x80;
    }

    /// <summary>True if no byte is beyond ASCII.</summary>
    public bool IsAscii { get; }

    /// <summary>How many different bytes of ASCII there are.</summary>
    public int Count => BitOperations.PopCount(_low) + BitOperations.PopCount(_high);

    /// <summary>True if a digit is among them.</summary>
    public bool HasDigit => (_low & Digits) != 0;

    /// <summary>True if a capital is among them.</summary>
    public bool HasCapital => (_high & Capitals) != 0;

    /// <summary>True if a small letter is among them.</summary>
    public bool HasSmall => (_high & Smalls) != 0;
}
