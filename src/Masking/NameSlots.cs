using System.Text;

namespace Countersign.Masking;

/// <summary>Names by one folding, in an open-addressed table. Immutable.</summary>
internal sealed class NameSlots
{
    private readonly Entry?[] _slots;
    private readonly bool _foldsSeparators;

    private NameSlots(Entry?[] slots, bool foldsSeparators)
    {
        _slots = slots;
        _foldsSeparators = foldsSeparators;
    }

    /// <summary>What does not count in a name whose separators are folded.</summary>
    public static ReadOnlySpan<byte> Separators => "_-. "u8;

    /// <summary>True for what does not count in a name whose separators are folded.</summary>
    public static bool IsSeparator(byte letter) => letter is (byte)'_' or (byte)'-' or (byte)'.' or (byte)' ';

    /// <summary>What the decoded key <paramref name="name"/> means by this folding.</summary>
    public NameHit Find(ReadOnlySpan<byte> name)
    {
        uint last = (uint)(_slots.Length - 1);
        uint slot = HashOf(name, _foldsSeparators) & last;
        while (_slots[slot] is { } entry)
        {
            if (EqualsFolded(name, entry.Folded)) return entry.HitOf(name);
            slot = (slot + 1) & last;
        }

        return NameHit.None;
    }

    private static byte Fold(byte letter) => (uint)(letter - 'A') <= 'Z' - 'A' ? (byte)(letter | 0x20) : letter;

    // FNV-1a. Collisions are the policy author's own: bodies add nothing to the table.
    private static uint HashOf(ReadOnlySpan<byte> name, bool foldsSeparators)
    {
        uint hash = 2_166_136_261;
        foreach (byte letter in name)
        {
            if (!foldsSeparators || !IsSeparator(letter)) hash = (hash ^ Fold(letter)) * 16_777_619;
        }

        return hash;
    }

    private bool EqualsFolded(ReadOnlySpan<byte> name, byte[] folded)
    {
        if (!_foldsSeparators && name.Length != folded.Length) return false;
        int place = 0;
        foreach (byte letter in name)
        {
            if (_foldsSeparators && IsSeparator(letter)) continue;
            if (place == folded.Length || Fold(letter) != folded[place++]) return false;
        }

        return place == folded.Length;
    }

    private sealed class Entry(byte[] folded)
    {
        private NameHit _anySpelling = NameHit.None;
        private byte[][] _spellings = [];
        private NameHit[] _hits = [];

        public byte[] Folded { get; } = folded;

        public void Add(NameHit hit) => _anySpelling = _anySpelling.And(hit);

        public void AddExact(byte[] spelling, NameHit hit)
        {
            for (int place = 0; place < _spellings.Length; place++)
            {
                if (!_spellings[place].AsSpan().SequenceEqual(spelling)) continue;
                _hits[place] = _hits[place].And(hit);
                return;
            }

            _spellings = [.. _spellings, spelling];
            _hits = [.. _hits, hit];
        }

        public NameHit HitOf(ReadOnlySpan<byte> name)
        {
            for (int place = 0; place < _spellings.Length; place++)
            {
                if (name.SequenceEqual(_spellings[place])) return _anySpelling.And(_hits[place]);
            }

            return _anySpelling;
        }
    }

    /// <summary>Collects names.</summary>
    internal sealed class Builder(bool foldsSeparators)
    {
        private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

        public bool IsEmpty => _entries.Count == 0;

        /// <summary>The names, folded.</summary>
        public IEnumerable<byte[]> Names => _entries.Values.Select(entry => entry.Folded);

        /// <summary>Adds a name, in this spelling alone if <paramref name="isExact"/>.</summary>
        public void Add(string name, bool isExact, NameHit hit)
        {
            byte[] spelling = Encoding.UTF8.GetBytes(name);
            byte[] folded = [.. spelling.Where(letter => !foldsSeparators || !IsSeparator(letter)).Select(Fold)];
            string key = Convert.ToHexString(folded);
            if (!_entries.TryGetValue(key, out Entry? entry)) _entries.Add(key, entry = new Entry(folded));
            if (isExact) entry.AddExact(spelling, hit);
            else entry.Add(hit);
        }

        public NameSlots Build()
        {
            int size = 4;
            while (size < _entries.Count * 2) size *= 2;
            var slots = new Entry?[size];
            foreach (Entry entry in _entries.Values)
            {
                int slot = (int)(HashOf(entry.Folded, foldsSeparators) & (uint)(size - 1));
                while (slots[slot] is not null) slot = (slot + 1) & (size - 1);
                slots[slot] = entry;
            }

            return new NameSlots(slots, foldsSeparators);
        }
    }
}
