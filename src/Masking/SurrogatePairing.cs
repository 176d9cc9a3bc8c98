namespace Countersign.Masking;

/// <summary>
/// Joins the UTF-16 code units of escapes to characters. A half that stays alone is a character by itself, as it stands
/// in the body.
/// </summary>
internal struct SurrogatePairing
{
    private int _high;

    /// <summary>True while a first half waits for its second.</summary>
    public readonly bool IsOpen => _high != 0;

    /// <summary>Takes the first half that stayed alone.</summary>
    public int TakeLone()
    {
        int lone = _high;
        _high = 0;
        return lone;
    }

    /// <summary>True if <paramref name="unit"/> is the second half of the one that waits; then the whole character is
    /// <paramref name="scalar"/>.</summary>
    public bool Joins(int unit, out int scalar)
    {
        bool joins = _high != 0 && (unit & 0xFC00) == 0xDC00;
        scalar = joins ? 0x10000 + ((_high - 0xD800) << 10) + (unit - 0xDC00) : 0;
        if (joins) _high = 0;
        return joins;
    }

    /// <summary>True if <paramref name="unit"/> is a first half, which now waits. Nothing else may wait.</summary>
    public bool Opens(int unit)
    {
        if ((unit & 0xFC00) != 0xD800) return false;
        _high = unit;
        return true;
    }
}
