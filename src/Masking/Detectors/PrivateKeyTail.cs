using System.Runtime.CompilerServices;

namespace Countersign.Masking.Detectors;

/// <summary>
/// What follows the first <see cref="DetectorLimits.DetectionBytesMax"/> bytes of a private key whose end line was not
/// among them, resumable at every byte: to the end line, or to the first byte that no key has. Keys are made of
/// letters, digits, <c>+ / = - _</c>, backslashes of escapes, white space, and lines with a name, a colon and a blank.
/// </summary>
internal struct PrivateKeyTail
{
    private EndLine _end;     // five dashes, END, a blank, the label and five dashes
    private int _endLength;
    private int _matched;     // of the end line
    private Line _line;
    private bool _isEscape;

    /// <summary>Where in a line it is.</summary>
    private enum Line : byte
    {
        Start = 0,
        Name,
        Colon,
        Header,
        Plain,
    }

    /// <summary>True until the end was seen.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Begins behind <paramref name="text"/>, a key under <paramref name="label"/> so far.</summary>
    public void Begin(ReadOnlySpan<byte> text, ReadOnlySpan<byte> label)
    {
        this = default;
        IsOpen = true;
        Span<byte> end = _end;
        PrivateKeyBlock.End.CopyTo(end);
        label.CopyTo(end[PrivateKeyBlock.End.Length..]);
        PrivateKeyBlock.Dashes.CopyTo(end[(PrivateKeyBlock.End.Length + label.Length)..]);
        _endLength = PrivateKeyBlock.End.Length + label.Length + PrivateKeyBlock.Dashes.Length;
        foreach (byte one in text[^Math.Min(_endLength - 1, text.Length)..]) EndsWith(one);
        foreach (byte one in text[(text.LastIndexOfAny((byte)'\n', (byte)'\r') + 1)..])
        {
            if (!Belongs(one)) _line = Line.Plain;
        }
    }

    /// <summary>How many of the next bytes are the key's; all of them as long as it is open.</summary>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        for (int place = 0; place < bytes.Length && IsOpen; place++)
        {
            IsOpen = Belongs(bytes[place]);
            if (!IsOpen) return place;
            IsOpen = !EndsWith(bytes[place]);
            if (!IsOpen) return place + 1;
        }

        return bytes.Length;
    }

    // No label has a dash, so that nothing but dashes begins the end line twice.
    private bool EndsWith(byte one)
    {
        if (one == _end[_matched]) _matched++;
        else if (one != '-') _matched = 0;
        else if (_matched != PrivateKeyBlock.Dashes.Length) _matched = 1;
        return _matched == _endLength;
    }

    private bool Belongs(byte one)
    {
        bool isEscape = _isEscape;
        _isEscape = one == '\\';
        if (one is (byte)'\n' or (byte)'\r')
        {
            _line = Line.Start;
            return true;
        }

        bool isBlank = one is (byte)' ' or (byte)'\t';
        switch (_line)
        {
            case Line.Header:
                return true;
            case Line.Colon:
                _line = Line.Header;
                return isBlank;
            case Line.Name when one == ':':
                _line = Line.Colon;
                return true;
            case Line.Start when isBlank:
                return true;
            default:
                break;
        }

        if (isEscape && one is (byte)'n' or (byte)'r') _line = Line.Start;
        else if (AsciiClass.IsLetter(one) && _line == Line.Start) _line = Line.Name;
        else if (_line != Line.Name || !(AsciiClass.IsWord(one) || one == '-')) _line = Line.Plain;
        return isBlank || AsciiClass.IsWord(one) || "+/=-_\\"u8.Contains(one);
    }

    [InlineArray(PrivateKeyBlock.EndLineBytesMax)]
    private struct EndLine
    {
        private byte _first;
    }
}
