using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Countersign.Masking;

/// <content>Eight groups of 64 tokens at once: the same answers as group by group. Only the brackets are walked one
/// group behind another.</content>
internal partial struct TokenGrammar
{
    /// <summary>Fewer tokens are sooner taken group by group.</summary>
    public const int EightsMin = 192;

    private const int Eight = BlockEights.Blocks;

    private static readonly Vector512<byte> LowTable = BlockEights.TableOf(0, ClassesOf);
    private static readonly Vector512<byte> HighTable = BlockEights.TableOf(64, ClassesOf);

    /// <summary>As <see cref="Take"/>, where the machine has instructions for it; <paramref name="classes"/> is room
    /// for <see cref="BlockEights.Classes"/> words for each group and eight more groups.</summary>
    public bool TakeEights(ReadOnlySpan<byte> tokens, int count, Span<ulong> classes, TokenMasks masks)
    {
        int groups = (count + Tokens - 1) / Tokens;
        Vector512<byte> others = Vector512.Create((byte)(1 << (int)TokenClass.Scalars));
        BlockEights.Classify(tokens, classes[..(groups * BlockEights.Classes)], LowTable, HighTable, others);
        Vector512<ulong> inArrayBefore = Vector512.Create(Kinds << (Tokens - 1));
        if (!NestAll(classes, count, masks)) return false;
        Vector512<ulong> valueBefore = Vector512.Create(_value << (Tokens - 1));
        Vector512<ulong> keyBefore = Vector512.Create(_key << (Tokens - 1));
        Vector512<ulong> colonBefore = Vector512.Create(_colon << (Tokens - 1));
        Vector512<ulong> commaBefore = Vector512.Create(_comma << (Tokens - 1));
        Vector512<ulong> topBefore = Vector512.Create(_top << (Tokens - 1));
        Vector512<ulong> opensBefore = Vector512.Create(_close << (Tokens - 1));
        Vector512<ulong> allWrong = Vector512<ulong>.Zero;
        for (int group = 0; group < groups; group += Eight)
        {
            BlockEights.Turn(
                classes.Slice(group * BlockEights.Classes, Eight * BlockEights.Classes), out Vector512<ulong> opens,
                out Vector512<ulong> closes, out _, out Vector512<ulong> strings, out Vector512<ulong> colons,
                out Vector512<ulong> commas, out Vector512<ulong> scalars, out _);
            Vector512<ulong> valid = Valid(count - group * Tokens);
            Vector512<ulong> inArray = Vector512.Create<ulong>(masks.InArrays[group..]);
            Vector512<ulong> tops = Vector512.Create<ulong>(masks.Tops[group..]);
            opens &= valid;
            strings &= valid;
            colons &= valid;
            scalars &= valid;
            Vector512<ulong> separators = (commas & valid) | opens;
            Vector512<ulong> keyAsked = separators & ~inArray;
            Vector512<ulong> onKey = BlockEights.Up(keyAsked, keyBefore);
            Vector512<ulong> keys = strings & onKey;
            Vector512<ulong> onColon = BlockEights.Up(keys, colonBefore);
            Vector512<ulong> valueAsked = colons | (separators & inArray);
            Vector512<ulong> onValue = BlockEights.Up(valueAsked, valueBefore);
            Vector512<ulong> values = (strings ^ keys) | opens | scalars;
            Vector512<ulong> valueEnds = (strings ^ keys) | (closes ^ tops) | scalars;
            Vector512<ulong> onComma = BlockEights.Up(valueEnds, commaBefore);
            Vector512<ulong> emptied = closes & BlockEights.Up(opens, opensBefore);
            Vector512<ulong> onTop = BlockEights.Up(tops, topBefore);

            // Exactly one thing is asked for at each place.
            Vector512<ulong> wrong = (onColon ^ colons) | (onKey & ~(keys | emptied)) | (onValue & ~(values | emptied))
                | (onComma & ~(commas | closes)) | (onTop & ~opens);
            allWrong |= wrong & valid;
            keys.CopyTo(masks.Keys[group..]);
            (values & BlockEights.Up(inArray, inArrayBefore)).CopyTo(masks.Elements[group..]);
            (valueBefore, keyBefore, colonBefore, commaBefore) = (valueAsked, keyAsked, keys, valueEnds);
            (topBefore, opensBefore, inArrayBefore) = (tops, opens, inArray);
        }

        int last = (groups - 1) % Eight;
        int end = (count - 1) % Tokens;
        _value = valueBefore[last] >> end & 1;
        _key = keyBefore[last] >> end & 1;
        _colon = colonBefore[last] >> end & 1;
        _comma = commaBefore[last] >> end & 1;
        _top = topBefore[last] >> end & 1;
        _close = opensBefore[last] >> end & 1;
        return allWrong == Vector512<ulong>.Zero;
    }

    private bool NestAll(ReadOnlySpan<ulong> classes, int count, TokenMasks masks)
    {
        for (int group = 0; group * Tokens < count; group++)
        {
            ulong valid = All >> Math.Max(0, Tokens - count + group * Tokens);
            ReadOnlySpan<ulong> of = classes.Slice(group * BlockEights.Classes, BlockEights.Classes);
            ulong opens = of[(int)TokenClass.Opens] & valid;
            ulong closes = of[(int)TokenClass.Closes] & valid;
            if (!TryNest<Block512>(opens, closes, of[(int)TokenClass.Squares], group, masks)) return false;
        }

        return true;
    }

    // The first so many bits of eight words.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Valid(int bits)
    {
        Vector512<long> left = Vector512.Create((long)bits) - Vector512.Create(0L, 64, 128, 192, 256, 320, 384, 448);
        Vector512<ulong> counts = Vector512.Max(left, Vector512<long>.Zero).AsUInt64();
        return ~Avx512F.ShiftLeftLogicalVariable(Vector512<ulong>.AllBitsSet, counts);
    }

    private static byte ClassesOf(char one)
    {
        TokenClass which = one switch
        {
            '{' or '[' => TokenClass.Opens,
            '}' or ']' => TokenClass.Closes,
            '"' => TokenClass.Strings,
            ':' => TokenClass.Colons,
            ',' => TokenClass.Commas,
            _ => TokenClass.Scalars,
        };
        int isSquare = one is '[' or ']' ? 1 << (int)TokenClass.Squares : 0;
        return (byte)(1 << (int)which | isSquare);
    }
}

/// <summary>Classes of tokens' first bytes, by the order of their words.</summary>
internal enum TokenClass
{
    /// <summary>Opening brackets.</summary>
    Opens,

    /// <summary>Closing brackets.</summary>
    Closes,

    /// <summary>Brackets of arrays.</summary>
    Squares,

    /// <summary>Strings.</summary>
    Strings,

    /// <summary>Colons.</summary>
    Colons,

    /// <summary>Commas.</summary>
    Commas,

    /// <summary>What begins with anything else: numbers and literals, which are checked elsewhere.</summary>
    Scalars,
}
