namespace Countersign.Masking.Content;

/// <summary>
/// Looks at how a body that is no JSON begins, byte by byte: a byte order mark, UTF-16, or what only JSON begins with
/// makes its content type a lie. A line that begins with a bracket is fine unless JSON goes on in it.
/// </summary>
internal struct BodyOpening
{
    private Step _step;
    private int _looked;

    private enum Step : byte
    {
        Start = 0,
        AfterBrace,
        AfterBracket,
        Fine,
        Lie,
    }

    /// <summary>True once the body may be what it says, whatever follows.</summary>
    public readonly bool IsFine => _step == Step.Fine;

    /// <summary>True once the body is not what it says.</summary>
    public readonly bool IsLie => _step == Step.Lie;

    /// <summary>Takes bytes until it is known.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            if (_step >= Step.Fine) return;
            _step = ++_looked > ContentLimits.OpeningBytesMax ? Step.Lie : Next(_step, one);
        }
    }

    private static Step Next(Step step, byte one)
    {
        // The first bytes of the marks of UTF-8, UTF-16 and UTF-32; plain text begins with none of these characters.
        if (one is 0 or 0xFE or 0xFF || (step == Step.Start && one == 0xEF)) return Step.Lie;
        if (one is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') return step;
        return step switch
        {
            Step.Start => one == '{' ? Step.AfterBrace : one == '[' ? Step.AfterBracket : Step.Fine,
            Step.AfterBrace => one is (byte)'"' or (byte)'}' ? Step.Lie : Step.Fine,
            Step.AfterBracket => one is (byte)'"' or (byte)'{' or (byte)'[' or (byte)']' ? Step.Lie : Step.Fine,
            _ => step,
        };
    }
}
