using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>
/// The last two bytes of every name, as tables over the halves of a byte: a byte may be one of them if both of its
/// halves share a bit. Lets too many pass, never too few, and looks at 64 bytes at once. Case does not count.
/// Immutable.
/// </summary>
internal sealed class KeyTrails
{
    private const byte CaseBit = 0x20;

    private KeyTrails(ByteSet last, ByteSet secondLast)
    {
        Last = last;
        SecondLast = secondLast;
    }

    /// <summary>What may stand before the quote that closes a key.</summary>
    public ByteSet Last { get; }

    /// <summary>What may stand before that.</summary>
    public ByteSet SecondLast { get; }

    /// <summary>The tables of <paramref name="names"/>, folded; if <paramref name="foldsSeparators"/>, any separators
    /// may stand behind one.</summary>
    public static KeyTrails Of(IReadOnlyList<byte[]> names, bool foldsSeparators)
    {
        var last = new Builder();
        var secondLast = new Builder();
        for (int group = 0; group < names.Count; group++)
        {
            byte[] name = names[group];
            last.Add(name.Length > 0 ? name[^1] : (byte)'"', group);
            if (name.Length > 0) secondLast.Add(name.Length > 1 ? name[^2] : (byte)'"', group);
            else secondLast.AddAll();
        }

        if (foldsSeparators)
        {
            secondLast.AddAll();
            foreach (byte separator in NameSlots.Separators) last.Add(separator, 0);
        }

        return new KeyTrails(last.Build(), secondLast.Build());
    }

    private sealed class Builder
    {
        private readonly byte[] _low = new byte[16];
        private readonly byte[] _high = new byte[16];

        public void Add(byte value, int group)
        {
            byte bit = (byte)(1 << (group & 7));
            int folded = value | CaseBit;
            _low[folded & 15] |= bit;
            _high[folded >> 4] |= bit;
        }

        public void AddAll()
        {
            _low.AsSpan().Fill(byte.MaxValue);
            _high.AsSpan().Fill(byte.MaxValue);
        }

        public ByteSet Build() => new(Repeat(_low), Repeat(_high));

        private static Vector512<byte> Repeat(byte[] table) =>
            Vector512.Create([.. table, .. table, .. table, .. table]);
    }
}

/// <summary>A set of bytes, in which 0x20 does not count. Each table is there once for each 16 bytes of a
/// block.</summary>
/// <param name="Low">Groups by the lower half of a byte.</param>
/// <param name="High">Groups by its upper half.</param>
internal readonly record struct ByteSet(Vector512<byte> Low, Vector512<byte> High);
