using System.Buffers;
using System.Numerics;

namespace Countersign.Masking;

/// <summary>
/// Where the bytes of a decoded string stand in its content: what was decoded a block at a time is noted, so that the
/// way back need not be read again. Filled by <see cref="JsonEscapes.Decode"/>; asked for places that only grow.
/// </summary>
internal sealed class EscapeMap
{
    private const int BlocksMin = 128;
    private const int KeptBlocksMax = 1_024;   // more are given back with their string

    private Block[] _blocks = [];
    private int _count;
    private int _next;

    /// <summary>Begins another string, of so many bytes of content; forgets all for none. Returns room for as many
    /// blocks as it has.</summary>
    public Span<Block> Begin(int contentBytes)
    {
        _count = _next = 0;
        int most = contentBytes / BlockWindow.BlockBytes;
        bool isLarge = _blocks.Length > KeptBlocksMax;
        if (_blocks.Length >= most && !(isLarge && most <= KeptBlocksMax)) return _blocks;
        if (_blocks.Length > 0) ArrayPool<Block>.Shared.Return(_blocks);
        return _blocks = most == 0 ? [] : ArrayPool<Block>.Shared.Rent(Math.Max(most, BlocksMin));
    }

    /// <summary>So many of them were noted.</summary>
    public void End(int count) => _count = count;

    /// <summary>Moves <paramref name="raw"/> and <paramref name="decoded"/> together towards the decoded byte
    /// <paramref name="target"/>, as far as is noted; never back.</summary>
    public void MoveTo(int target, ref int raw, ref int decoded)
    {
        if (target <= decoded) return;
        while (_next + 1 < _count && _blocks[_next + 1].Decoded <= target) _next++;
        if (_count == 0) return;
        Block block = _blocks[_next];
        int within = target - block.Decoded;
        int count = BitOperations.PopCount(block.Kept);
        if (within < 0) return;
        if (within < count)
        {
            int place = BlockWindow.Select(block.Kept, within);
            raw = block.Raw + place - block.IsEscaped(place);
            decoded = target;
        }
        else if (block.Decoded + count > decoded)
        {
            raw = block.Raw + BlockWindow.BlockBytes - BitOperations.LeadingZeroCount(block.Kept);
            decoded = block.Decoded + count;
        }
    }

    /// <summary>A block that was decoded at once.</summary>
    /// <param name="Raw">Where it begins in the content.</param>
    /// <param name="Decoded">Where what was decoded of it begins.</param>
    /// <param name="Kept">Its bytes that decoded text has, or another in their place.</param>
    /// <param name="IsBegun">1 if its first byte is escaped, else 0.</param>
    internal readonly record struct Block(int Raw, int Decoded, ulong Kept, ulong IsBegun)
    {
        /// <summary>1 if a byte is behind a backslash that decoded text does not have, else 0.</summary>
        public int IsEscaped(int place) => (int)(~(Kept << 1 | (IsBegun ^ 1)) >> place & 1);
    }
}
