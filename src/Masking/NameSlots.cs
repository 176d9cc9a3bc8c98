using System.Text;

namespace Countersign.Masking;

/// <summary>Names by one folding, in an open-addressed table. Immutable.</summary>
internal sealed class NameSlots
{
    private const uint HashBasis = 2_166_136_261;

    private readonly Entry?[] _slots;
    private readonly bool _foldsSeparators;
    private readonly int _longest;      // folded name
    private readonly bool _hasEmpty;

    private NameSlots(Entry?[] slots, bool foldsSeparators)
    {
        _slots = slots;
        _foldsSeparators = foldsSeparators;
        foreach (Entry? entry in slots)
        {
            _longest = Math.Max(_longest, entry?.Folded.Length ?? 0);
            _hasEmpty |= entry?.Folded.Length == 0;
        }
    }

    /// <summary>What does not count in a name whose separators are folded.</summary>
    public static ReadOnlySpan<byte> Separators => "_-. "u8;

    /// <summary>True for what does not count in a name whose separators are folded.</summary>
    public static bool IsSeparator(byte letter) => letter is (byte)'_' or (byte)'-' or (byte)'.' or (byte)' ';

    /// <summary>What the decoded key <paramref name="name"/> means by this folding.</summary>
    public NameHit Find(ReadOnlySpan<byte> name) => Find(name, HashOf(name, _foldsSeparators));

    /// <summary>True if one of the names stands in <paramref name="text"/>, with no letter or digit beside it. An
    /// empty name stands everywhere.</summary>
    public bool OccurIn(ReadOnlySpan<byte> text)
    {
        if (_hasEmpty) return true;
        for (int start = 0; _longest > 0 && start < text.Length; start++)
        {
            if (IsEdge(text, start) && OccurAt(text, start)) return true;
        }

        return false;
    }

    // Every name is tried at once, by the hash of what has come so far: linear in the text, whatever the names.
    private bool OccurAt(ReadOnlySpan<byte> text, int start)
    {
        uint hash = HashBasis;
        int folded = 0;
        for (int end = start; end < text.Length && folded < _longest;)
        {
            byte letter = text[end++];
            if (_foldsSeparators && IsSeparator(letter))
            {
                if (folded == 0) return false;   // what it leads to is tried from its own begin
                continue;
            }

            hash = Hash(hash, letter);
            folded++;
            if (IsEdge(text, end) && Find(text[start..end], hash) != NameHit.None) return true;
        }

        return false;
    }

    // Between two bytes that are not both of a word.
    private bool IsEdge(ReadOnlySpan<byte> text, int place) =>
        place == 0 || place == text.Length || !IsOfWord(text[place - 1]) || !IsOfWord(text[place]);

    private bool IsOfWord(byte letter) =>
        char.IsAsciiLetterOrDigit((char)letter) || (letter == '_' && !_foldsSeparators);

    private NameHit Find(ReadOnlySpan<byte> name, uint hash)
    {
        uint last = (uint)(_slots.Length - 1);
        uint slot = hash & last;
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
        uint hash = HashBasis;
        foreach (byte letter in name)
        {
            if (!foldsSeparators || !IsSeparator(letter)) hash = Hash(hash, letter);
        }

        return hash;
    }

    private static uint Hash(uint hash, byte letter) => (hash ^ Fold(letter)) * 16_777_619;

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
