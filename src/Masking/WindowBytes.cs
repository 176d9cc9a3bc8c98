namespace Countersign.Masking;

/// <summary>The blocks of a window, each with the bytes around it. Most lie in the input; the first and the last are
/// copied if what stands around them is not all there, and so are all if they are few: before is nothing, behind is
/// white space.</summary>
internal readonly ref struct WindowBytes
{
    /// <summary>Bytes that are read before a block, for what began there,</summary>
    public const int Before = 8;

    /// <summary>and behind it, for literals that go on.</summary>
    public const int Behind = 8;

    /// <summary>A block's, and those around it.</summary>
    public const int Around = Before + BlockWindow.BlockBytes + Behind;

    /// <summary>How many runs there are at most.</summary>
    public const int Runs = 3;

    private const int CopiedMax = 8;   // blocks, if not all but the first and the last stay where they are

    /// <summary>Room for their copy.</summary>
    public const int CopyBytes = Before + CopiedMax * BlockWindow.BlockBytes + Behind;

    private readonly ReadOnlySpan<byte> _first;
    private readonly ReadOnlySpan<byte> _inner;
    private readonly ReadOnlySpan<byte> _last;

    /// <summary>The <paramref name="blocks"/> blocks of <paramref name="input"/> from <paramref name="start"/> on, with
    /// room for a copy of <see cref="CopyBytes"/>, and of the last one and what is around it.</summary>
    public WindowBytes(ReadOnlySpan<byte> input, int start, int blocks, Span<byte> copy, Span<byte> last)
    {
        Blocks = blocks;
        int from = start - Before;
        int bytes = blocks * BlockWindow.BlockBytes + Before + Behind;
        bool isAllThere = from >= 0 && from + bytes <= input.Length;
        if (!isAllThere && blocks <= CopiedMax)
        {
            _first = copy[..bytes];
            Copy(input, from, copy[..bytes]);
            return;
        }

        if (from + bytes > input.Length)
        {
            bytes -= BlockWindow.BlockBytes;
            _last = last;
            Copy(input, from + bytes - Before - Behind, last);
        }

        if (from < 0)
        {
            bytes -= BlockWindow.BlockBytes;
            _first = copy[..Around];
            Copy(input, from, copy[..Around]);
            from += BlockWindow.BlockBytes;
        }

        _inner = input.Slice(from, bytes);
    }

    /// <summary>How many blocks there are.</summary>
    public int Blocks { get; }

    /// <summary>A block and the bytes around it.</summary>
    public ReadOnlySpan<byte> this[int block]
    {
        get
        {
            int inner = block - BlocksOf(_first);
            if (inner < 0) return _first.Slice(block * BlockWindow.BlockBytes, Around);
            return inner < BlocksOf(_inner) ? _inner.Slice(inner * BlockWindow.BlockBytes, Around) : _last;
        }
    }

    /// <summary>The blocks of run <paramref name="run"/>, which follow each other in memory, with what stands before
    /// them and behind; and which of all blocks is the first of <paramref name="count"/>, which may be none.</summary>
    public ReadOnlySpan<byte> Run(int run, out int from, out int count)
    {
        ReadOnlySpan<byte> bytes = run == 0 ? _first : run == 1 ? _inner : _last;
        count = BlocksOf(bytes);
        from = run == 0 ? 0 : run == 1 ? BlocksOf(_first) : Blocks - count;
        return bytes;
    }

    private static void Copy(ReadOnlySpan<byte> input, int from, Span<byte> target)
    {
        int missing = Math.Max(0, -from);
        target[..missing].Clear();
        int there = Math.Min(input.Length - from, target.Length) - missing;
        input.Slice(from + missing, there).CopyTo(target[missing..]);
        target[(missing + there)..].Fill((byte)' ');
    }

    private static int BlocksOf(ReadOnlySpan<byte> bytes) => bytes.Length / BlockWindow.BlockBytes;
}
