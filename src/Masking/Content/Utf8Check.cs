namespace Countersign.Masking.Content;

/// <summary>Checks UTF-8 as it streams by (RFC 3629), and refuses control characters that no text has.</summary>
internal struct Utf8Check
{
    private byte _missing;   // continuation bytes that must follow
    private byte _least;     // the range of the next one
    private byte _most;

    /// <summary>True if no character is begun.</summary>
    public readonly bool IsWhole => _missing == 0;

    /// <summary>How many bytes of <paramref name="bytes"/> are good.</summary>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        int place = 0;
        while (place < bytes.Length)
        {
            if (_missing == 0)
            {
                int plain = bytes[place..].IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E);
                if (plain < 0) return bytes.Length;
                place += plain;
            }

            if (!TakeOne(bytes[place])) return place;
            place++;
        }

        return place;
    }

    private bool TakeOne(byte one)
    {
        if (_missing > 0)
        {
            if (one < _least || one > _most) return false;
            _missing--;
            (_least, _most) = (0x80, 0xBF);
            return true;
        }

        (_least, _most) = (0x80, 0xBF);
        switch (one)
        {
            case (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or (>= 0x20 and < 0x7F): return true;
            case >= 0xC2 and <= 0xDF: _missing = 1; return true;
            case 0xE0: (_missing, _least) = (2, 0xA0); return true;
            case 0xED: (_missing, _most) = (2, 0x9F); return true;
            case >= 0xE1 and <= 0xEF: _missing = 2; return true;
            case 0xF0: (_missing, _least) = (3, 0x90); return true;
            case 0xF4: (_missing, _most) = (3, 0x8F); return true;
            case >= 0xF1 and <= 0xF3: _missing = 3; return true;
            default: return false;
        }
    }
}
