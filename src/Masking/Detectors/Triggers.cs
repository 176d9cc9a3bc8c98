using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Countersign.Masking.Detectors;

/// <summary>What the wanted detectors look for, and what is left of a block's masks for them.</summary>
internal readonly ref struct Triggers
{
    private const DetectorSet Grouped = DetectorSet.PaymentCard | DetectorSet.UsSsn | DetectorSet.Phone;

    private readonly byte _sets;
    private readonly ulong _numbers;    // all ones if numbers are wanted; as the others
    private readonly ulong _accounts;
    private readonly ulong _addresses;
    private readonly ulong _phones;

    public Triggers(DetectorSet wanted) =>
        (_sets, _numbers, _accounts, _addresses, _phones) = Wanted(wanted);

    /// <summary>The sets of marks that are wanted, and all ones for each kind of number and address that is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (byte Sets, ulong Numbers, ulong Accounts, ulong Addresses, ulong Phones) Wanted(DetectorSet wanted)
    {
        uint bits = (uint)wanted;   // without branches: a set-up for each value must cost next to nothing
        uint sets = (bits >> 7 & 1) * 15;
        sets |= (bits >> 5 & 1) << 4;
        sets |= (bits >> 8 & 1) << 5;
        sets |= (bits >> 6 & 1) << 6;
        sets |= (bits >> 9 & 1) << 7;
        uint numbers = bits & (uint)Grouped;
        return ((byte)sets, All(numbers | numbers >> 2 | numbers >> 4), All(bits >> 3), All(bits >> 1), All(bits >> 4));
    }

    /// <summary>
    /// The bytes of <paramref name="block"/>, 66 bytes, that a detector must look at.
    /// <paramref name="isAfterWord"/> and <paramref name="isAfterDigit"/> tell of the byte before, and then of the
    /// block's last.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong In(ReadOnlySpan<byte> block, ref ulong isAfterWord, ref ulong isAfterDigit) =>
        In(block, ref isAfterWord, ref isAfterDigit, out _);

    /// <summary>The same; <paramref name="words"/> are the block's letters and digits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong In(ReadOnlySpan<byte> block, ref ulong isAfterWord, ref ulong isAfterDigit, out ulong words)
    {
        TriggerMasks.Classify(
            block, _sets, out ulong letters, out ulong signs, out ulong digits, out words, out ulong run,
            out ulong dots, out ulong single);
        ulong fractions = (dots & (digits << 1)) << 1;
        ulong starts = digits & ~((digits << 1) | isAfterDigit | fractions);
        ulong beforeDigit = (digits >> 1) | (1UL << 63);   // what lies beyond the block may be anything
        ulong found = signs | (letters & ~((words << 1) | isAfterWord));
        // No number's run holds an at sign; the plus and the parenthesis begin a number only before a digit.
        found |= (single & ~run & _addresses) | (single & run & beforeDigit & _phones);
        if (starts != 0)
        {
            found |= starts & Long(run) & _numbers;
            if (dots != 0)
            {
                found |= starts & Dotted(dots & beforeDigit) & _phones;
                ulong coded = starts & Coded(dots, single & run, digits, run) & _phones;
                if (coded != 0) found |= coded & Ones(block);
            }

            ulong letter = words & ~digits;
            ulong two = ((letter << 1) | 1) & ((letter << 2) | 3);
            found |= starts & two & ~((words << 3) & ~7UL) & beforeDigit & _accounts;
        }

        isAfterWord = words >> 63;
        isAfterDigit = digits >> 63;
        return found;
    }

    private static ulong All(uint bit) => 0UL - (bit & 1);

    // Where eleven bytes of a number begin, the fewest that any without dots but an account begins with.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Long(ulong run)
    {
        ulong long2 = run & (run >> 1 | 1UL << 63);
        ulong long4 = long2 & (long2 >> 2 | 3UL << 62);
        ulong long8 = long4 & (long4 >> 4 | 15UL << 60);
        return long8 & (long8 >> 3 | 7UL << 61);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Ones(ReadOnlySpan<byte> block) =>
        Vector512.Equals(Vector512.Create(block), Vector512.Create((byte)'1')).ExtractMostSignificantBits();

    // Where a dot follows, as behind a country code, and then a parenthesis, or two groups of three digits that are not
    // parted by a dot.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Coded(ulong dots, ulong begins, ulong digits, ulong run)
    {
        ulong three = digits & (digits >> 1 | 1UL << 63) & (digits >> 2 | 3UL << 62);
        ulong parted = run & ~digits & (three >> 1 | 1UL << 63);
        return (dots >> 1 | 1UL << 63)
            & ((begins >> 2 | 3UL << 62) | ((three >> 2 | 3UL << 62) & (parted >> 5 | 31UL << 59)));
    }

    // Where, after two to five bytes, two dots stand with two to four bytes between them, as phone numbers have them;
    // decimal fractions do not.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Dotted(ulong dots)
    {
        ulong pairs = dots & ((dots >> 3 | 7UL << 61) | (dots >> 4 | 15UL << 60) | (dots >> 5 | 31UL << 59));
        ulong after2 = pairs >> 2 | 3UL << 62;
        ulong after3 = pairs >> 3 | 7UL << 61;
        ulong after4 = pairs >> 4 | 15UL << 60;
        return after2 | after3 | after4 | pairs >> 5 | 31UL << 59;
    }
}
