using System.Runtime.Intrinsics;

namespace Countersign.Masking;

/// <summary>
/// The last three bytes of every name, as tables: names are in eight groups, a bit each, and a byte's look-up says of
/// which groups' names it may be in that place. Three look-ups that share a bit are the end of a name, or not seldom
/// of none: too many pass, never too few, and 64 bytes are looked at at once. Case does not count. Immutable.
/// </summary>
internal sealed class KeyTrails
{
    private const int Places = 3;

    private KeyTrails(TrailSet[] sets) => (Last, SecondLast, ThirdLast) = (sets[0], sets[1], sets[2]);

    /// <summary>What may stand before the quote that closes a key.</summary>
    public TrailSet Last { get; }

    /// <summary>What may stand before that.</summary>
    public TrailSet SecondLast { get; }

    /// <summary>And before that.</summary>
    public TrailSet ThirdLast { get; }

    /// <summary>The tables of <paramref name="names"/>, folded; if <paramref name="foldsSeparators"/>, any separators
    /// may stand in one and behind it.</summary>
    public static KeyTrails Of(IReadOnlyList<byte[]> names, bool foldsSeparators)
    {
        Builder[] builders = [new(), new(), new()];
        for (int group = 0; group < names.Count; group++)
        {
            byte[] name = names[group];
            for (int place = 0; place < Places; place++)
            {
                // Before a name is the quote that opens it, and before that anything.
                if (place < name.Length) builders[place].Add(name[^(place + 1)], group);
                else if (place == name.Length) builders[place].Add((byte)'"', group);
                else builders[place].AddAll(group);
                if (!foldsSeparators) continue;
                if (place > 0) builders[place].AddAll(group);
                else foreach (byte separator in NameSlots.Separators) builders[place].Add(separator, group);
            }
        }

        return new KeyTrails([.. builders.Select(builder => builder.Build())]);
    }

    /// <summary>The tables of names that end in one of <paramref name="words"/>, folded, of three letters or
    /// more.</summary>
    public static KeyTrails OfEnds(IReadOnlyList<byte[]> words)
    {
        Builder[] builders = [new(), new(), new()];
        foreach (byte[] word in words)
        {
            for (int place = 0; place < Places; place++) builders[place].Add(word[^(place + 1)], word[^1]);
        }

        return new KeyTrails([.. builders.Select(builder => builder.Build())]);
    }

    private sealed class Builder
    {
        private const int CaseBit = 0x20;

        private readonly byte[] _low = new byte[16];
        private readonly byte[] _high = new byte[16];
        private readonly byte[] _whole = new byte[64];

        public void Add(byte value, int group)
        {
            byte bit = (byte)(1 << (group & 7));
            int folded = value | CaseBit;
            _low[folded & 15] |= bit;
            _high[folded >> 4] |= bit;
            _whole[folded & 63] |= bit;
            _whole[folded & 63 & ~CaseBit] |= bit;
        }

        public void AddAll(int group)
        {
            for (int value = 0; value <= byte.MaxValue; value++) Add((byte)value, group);
        }

        public TrailSet Build() =>
            new(
                HalfByteTables.Repeat(_low), HalfByteTables.Repeat(_high), HalfByteTables.Repeat(Unfold(_high)),
                Vector512.Create(_whole));

        // The case bit is the second of the upper half.
        private static byte[] Unfold(byte[] high) => [.. Enumerable.Range(0, 16).Select(half => high[half | 2])];
    }
}

/// <summary>Bytes in one place of names, in which 0x20 does not count.</summary>
/// <param name="Low">Groups by the lower half of a byte, once for each 16 bytes of a block.</param>
/// <param name="High">Groups by its upper half.</param>
/// <param name="Unfolded">Groups by the upper half of a byte in which 0x20 may not be set.</param>
/// <param name="Whole">Groups by its lower six bits.</param>
internal readonly record struct TrailSet(
    Vector512<byte> Low, Vector512<byte> High, Vector512<byte> Unfolded, Vector512<byte> Whole)
{
    /// <summary>The groups of names in which <paramref name="value"/> may stand there.</summary>
    public int GroupsOf(byte value)
    {
        int folded = value | 0x20;
        return Low[folded & 15] & High[folded >> 4];
    }
}
