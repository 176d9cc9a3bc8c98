namespace Countersign.Masking;

/// <summary>
/// A value of which the last four characters stay. It counts characters and keeps no more than those four, however
/// long the value is. Characters are Unicode scalars; of a number, its digits, whatever sign, point and exponent
/// stand between.
/// </summary>
internal sealed class TailText
{
    /// <summary>The longest replacement: two quotes, the stars, and four characters that all need the longest
    /// escape.</summary>
    public const int BytesMax = 2 + MaskLimits.StarsMax + (MaskLimits.KeptChars * 6);

    private const int Replacement = 0xFFFD;   // for half a surrogate pair, so that the output is a Unicode string

    private readonly int[] _last = new int[MaskLimits.KeptChars];
    private SurrogatePairing _pairing;
    private long _count;
    private int _partial;
    private int _continuations;

    /// <summary>Forgets the value.</summary>
    public void Clear()
    {
        Array.Clear(_last);
        _pairing = default;
        _count = 0;
        _partial = 0;
        _continuations = 0;
    }

    /// <summary>String content without escapes; the scanner has found it to be UTF-8.</summary>
    public void AddPlain(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        AddLone();
        foreach (byte next in bytes)
        {
            if (next < 0x80)
            {
                AddScalar(next);
            }
            else if (_continuations == 0)
            {
                _continuations = next < 0xE0 ? 1 : next < 0xF0 ? 2 : 3;
                _partial = next & (0x3F >> _continuations);
            }
            else
            {
                _partial = (_partial << 6) | (next & 0x3F);
                if (--_continuations == 0) AddScalar(_partial);
            }
        }
    }

    /// <summary>A code unit that was escaped.</summary>
    public void AddUnit(int unit)
    {
        if (_pairing.Joins(unit, out int scalar))
        {
            AddScalar(scalar);
            return;
        }

        AddLone();
        if (!_pairing.Opens(unit)) AddScalar((unit & 0xFC00) == 0xDC00 ? Replacement : unit);
    }

    /// <summary>A piece of a number.</summary>
    public void AddNumber(ReadOnlySpan<byte> bytes)
    {
        foreach (byte next in bytes)
        {
            if ((uint)(next - '0') <= 9) AddScalar(next);
        }
    }

    /// <summary>
    /// Writes the replacement, a JSON string, to <paramref name="target"/> of at least <see cref="BytesMax"/> bytes;
    /// returns its length, or 0 if the value is too short to show any of it.
    /// </summary>
    public int Write(Span<byte> target)
    {
        AddLone();
        if (_count < MaskLimits.KeepCharsMin) return 0;
        int stars = (int)Math.Min(_count - MaskLimits.KeptChars, MaskLimits.StarsMax);
        int length = 0;
        target[length++] = (byte)'"';
        target.Slice(length, stars).Fill((byte)'*');
        length += stars;
        for (int place = 0; place < MaskLimits.KeptChars; place++)
        {
            int scalar = _last[(int)((_count + place) % MaskLimits.KeptChars)];
            length += WriteScalar(scalar, target[length..]);
        }

        target[length++] = (byte)'"';
        return length;
    }

    private static int WriteScalar(int scalar, Span<byte> target)
    {
        if (scalar is '"' or '\\')
        {
            target[0] = (byte)'\\';
            target[1] = (byte)scalar;
            return 2;
        }

        if (scalar >= 0x20) return Utf8Bytes.Encode(scalar, target);
        "\\u00"u8.CopyTo(target);
        target[4] = (byte)('0' + (scalar >> 4));
        target[5] = "0123456789abcdef"u8[scalar & 0xF];
        return 6;
    }

    private void AddLone()
    {
        if (!_pairing.IsOpen) return;
        _pairing.TakeLone();
        AddScalar(Replacement);
    }

    private void AddScalar(int scalar)
    {
        _last[(int)(_count % MaskLimits.KeptChars)] = scalar;
        _count++;
    }
}
