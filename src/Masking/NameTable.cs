using System.Text;

namespace Countersign.Masking;

/// <summary>What a key means to the rules.</summary>
/// <param name="Bare">What the rules that are a bare member name say.</param>
/// <param name="Steps">The path steps whose name this is, as a bit mask.</param>
internal readonly record struct NameHit(Hit Bare, ulong Steps);

/// <summary>
/// Every name of a program by its case-folded spelling. Most keys are no rule's name and are turned away by one bit
/// of a small filter. Immutable.
/// </summary>
internal sealed class NameTable
{
    private const int FilterBits = 2_048;   // 256 bytes: with 20 names under 1 % of other keys pass

    private readonly ulong[] _filter = new ulong[FilterBits / 64];
    private readonly Entry?[] _slots;

    /// <summary>Builds the table of <paramref name="bare"/> names and of the names of <paramref name="steps"/>, whose
    /// places are their bits.</summary>
    public NameTable(IReadOnlyDictionary<string, Hit> bare, IReadOnlyList<PathStep> steps)
    {
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach ((string name, Hit hit) in bare)
        {
            Entry entry = EntryOf(name, entries);
            entry.Bare = hit < entry.Bare ? hit : entry.Bare;
        }

        for (int bit = 0; bit < steps.Count; bit++)
        {
            PathStep step = steps[bit];
            if (step.Kind == PathStepKind.Name) EntryOf(step.Name, entries).AddExact(step.Name, 1UL << bit);
        }

        int size = 4;
        while (size < entries.Count * 2) size *= 2;
        _slots = new Entry?[size];
        foreach (Entry entry in entries.Values)
        {
            int filtered = FilterOf(entry.Folded);
            _filter[filtered >> 6] |= 1UL << (filtered & 63);
            int slot = (int)(HashOf(entry.Folded) & (uint)(size - 1));
            while (_slots[slot] is not null) slot = (slot + 1) & (size - 1);
            _slots[slot] = entry;
        }
    }

    /// <summary>What the decoded key <paramref name="name"/> means.</summary>
    public NameHit Find(ReadOnlySpan<byte> name)
    {
        int filtered = FilterOf(name);
        return (_filter[filtered >> 6] >> (filtered & 63) & 1) == 0 ? new NameHit(Hit.None, 0) : FindEntry(name);
    }

    private NameHit FindEntry(ReadOnlySpan<byte> name)
    {
        uint last = (uint)(_slots.Length - 1);
        uint slot = HashOf(name) & last;
        while (_slots[slot] is { } entry)
        {
            if (EqualsFolded(name, entry.Folded)) return new NameHit(entry.Bare, entry.StepsOf(name));
            slot = (slot + 1) & last;
        }

        return new NameHit(Hit.None, 0);
    }

    private static Entry EntryOf(string name, Dictionary<string, Entry> entries)
    {
        byte[] folded = Encoding.UTF8.GetBytes(name);
        for (int place = 0; place < folded.Length; place++) folded[place] = Fold(folded[place]);
        string key = Convert.ToHexString(folded);
        if (!entries.TryGetValue(key, out Entry? entry)) entries.Add(key, entry = new Entry(folded));
        return entry;
    }

    private static byte Fold(byte letter) => (uint)(letter - 'A') <= 'Z' - 'A' ? (byte)(letter | 0x20) : letter;

    // Setting 0x20 folds more than letters, which a filter may do: it only lets too many pass.
    private static int FilterOf(ReadOnlySpan<byte> name) => name.IsEmpty
        ? 0
        : ((name[0] | 0x20) + ((name[^1] | 0x20) * 29) + (name.Length * 139)) & (FilterBits - 1);

    // FNV-1a. Collisions are the policy author's own: bodies add nothing to the table.
    private static uint HashOf(ReadOnlySpan<byte> name)
    {
        uint hash = 2_166_136_261;
        foreach (byte letter in name) hash = (hash ^ Fold(letter)) * 16_777_619;
        return hash;
    }

    private static bool EqualsFolded(ReadOnlySpan<byte> name, byte[] folded)
    {
        if (name.Length != folded.Length) return false;
        for (int place = 0; place < folded.Length; place++)
        {
            if (Fold(name[place]) != folded[place]) return false;
        }

        return true;
    }

    private sealed class Entry(byte[] folded)
    {
        private byte[][] _exact = [];
        private ulong[] _steps = [];

        public byte[] Folded { get; } = folded;

        public Hit Bare { get; set; } = Hit.None;

        public void AddExact(string name, ulong step)
        {
            byte[] exact = Encoding.UTF8.GetBytes(name);
            for (int place = 0; place < _exact.Length; place++)
            {
                if (!_exact[place].AsSpan().SequenceEqual(exact)) continue;
                _steps[place] |= step;
                return;
            }

            _exact = [.. _exact, exact];
            _steps = [.. _steps, step];
        }

        public ulong StepsOf(ReadOnlySpan<byte> name)
        {
            for (int place = 0; place < _exact.Length; place++)
            {
                if (name.SequenceEqual(_exact[place])) return _steps[place];
            }

            return 0;
        }
    }
}
