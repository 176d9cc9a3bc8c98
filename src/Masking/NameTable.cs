using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Countersign.Masking;

/// <summary>What a key means to the rules.</summary>
/// <param name="Bare">What the rules that are a bare member name say.</param>
/// <param name="Steps">The path steps whose name this is, as a bit mask.</param>
internal readonly record struct NameHit(Hit Bare, ulong Steps)
{
    /// <summary>What a key means that no rule names.</summary>
    public static NameHit None => new(Hit.None, 0);

    /// <summary>Both meanings.</summary>
    public NameHit And(NameHit other) => new(other.Bare < Bare ? other.Bare : Bare, Steps | other.Steps);
}

/// <summary>
/// Every name of a program. Most keys are no rule's name and are turned away by one bit of a small filter over their
/// length and last four bytes. Immutable.
/// </summary>
internal sealed class NameTable
{
    private const int FilterBits = 2_048;   // 256 bytes: with 20 names about 1 % of other keys pass
    private const int TrailBytes = 4;
    private const uint CaseBits = 0x2020_2020;   // folds more than letters, which a filter may: it lets too many pass

    private readonly ulong[] _filter = new ulong[FilterBits / 64];
    private readonly NameSlots _byCase;
    private readonly NameSlots? _bySeparators;
    private readonly uint _lengthFactor;

    /// <summary>Builds the table of <paramref name="bare"/> names and of the names of <paramref name="steps"/>, whose
    /// places are their bits.</summary>
    public NameTable(IReadOnlyDictionary<(string Name, MaskNames Names), Hit> bare, IReadOnlyList<PathStep> steps)
    {
        var byCase = new NameSlots.Builder(foldsSeparators: false);
        var bySeparators = new NameSlots.Builder(foldsSeparators: true);
        foreach (((string name, MaskNames names), Hit hit) in bare)
        {
            NameSlots.Builder builder = names == MaskNames.FoldSeparators ? bySeparators : byCase;
            builder.Add(name, names == MaskNames.Exact, new NameHit(hit, 0));
        }

        for (int bit = 0; bit < steps.Count; bit++)
        {
            PathStep step = steps[bit];
            if (step.Kind != PathStepKind.Name) continue;
            NameSlots.Builder builder = step.Names == MaskNames.FoldSeparators ? bySeparators : byCase;
            bool isExact = step.Names is MaskNames.Usual or MaskNames.Exact;
            builder.Add(step.Name, isExact, new NameHit(Hit.None, 1UL << bit));
        }

        _byCase = byCase.Build();
        _bySeparators = bySeparators.IsEmpty ? null : bySeparators.Build();

        // Separators change a key's length, so that it says nothing where they do not count.
        _lengthFactor = _bySeparators is null ? 0x9E37_79B1 : 0;
        byte[][] all = [.. byCase.Names, .. bySeparators.Names];
        foreach (byte[] name in all) Admit(name);
        Trails = KeyTrails.Of(all, FoldsSeparators);
        Short = new ShortNames(all, name => Find(name));
    }

    /// <summary>True if separators do not count in some name, so that no key is too long to be one.</summary>
    public bool FoldsSeparators => _bySeparators is not null;

    /// <summary>Those that most bodies have.</summary>
    public ShortNames Short { get; }

    /// <summary>What the names end with.</summary>
    public KeyTrails Trails { get; }

    /// <summary>False if the key that ends before <paramref name="end"/> and has <paramref name="length"/> bytes, none
    /// escaped, is no rule's name.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MayHold(ReadOnlySpan<byte> input, int end, int length)
    {
        int start = end - TrailBytes;
        if (start < 0) return true;
        uint trail = BinaryPrimitives.ReadUInt32LittleEndian(input.Slice(start, TrailBytes));
        return IsAdmitted(trail, length);
    }

    /// <summary>What the decoded key <paramref name="name"/> means.</summary>
    public NameHit Find(ReadOnlySpan<byte> name)
    {
        if (!IsAdmitted(TrailOf(name), name.Length)) return NameHit.None;
        NameHit hit = _byCase.Find(name);
        return _bySeparators is null ? hit : hit.And(_bySeparators.Find(name));
    }

    /// <summary>True if a name stands as a word in <paramref name="text"/>, whatever stands around it.</summary>
    public bool OccurIn(ReadOnlySpan<byte> text) =>
        _byCase.OccurIn(text) || (_bySeparators is not null && _bySeparators.OccurIn(text));

    private static uint TrailOf(ReadOnlySpan<byte> name)
    {
        if (name.Length >= TrailBytes) return BinaryPrimitives.ReadUInt32LittleEndian(name[^TrailBytes..]);
        uint trail = 0;
        foreach (byte letter in name) trail = trail >> 8 | (uint)letter << 24;
        return trail;
    }

    private static bool HasSeparator(uint trail)
    {
        bool has = false;
        for (int place = 0; place < TrailBytes; place++, trail >>= 8) has |= NameSlots.IsSeparator((byte)trail);
        return has;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsAdmitted(uint trail, int length)
    {
        if (_bySeparators is not null && HasSeparator(trail)) return true;
        uint place = PlaceOf(trail, length);
        return (_filter[place >> 6] >> (int)(place & 63) & 1) != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint PlaceOf(uint trail, int length)
    {
        // A short key's trail begins with what stands before it, which is shifted out.
        int shift = length < TrailBytes ? (TrailBytes - length) * 8 : 0;
        uint own = (uint)((ulong)(trail | CaseBits) >> shift);
        return (own + ((uint)length * _lengthFactor)) * 0x85EB_CA6B >> 21;
    }

    private void Admit(byte[] name)
    {
        uint place = PlaceOf(TrailOf(name), name.Length);
        _filter[place >> 6] |= 1UL << (int)(place & 63);
    }
}
