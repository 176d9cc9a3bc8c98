using System.Buffers;

namespace Countersign.Masking;

/// <summary>Many short pieces on their way to one output: they are copied into the room that it last gave, which is
/// counted once. Nothing else may write to the output before <see cref="Flush"/>.</summary>
internal ref struct OutputRun(IBufferWriter<byte> output)
{
    private Span<byte> _room;
    private int _count;

    /// <summary>Adds a piece behind.</summary>
    public void Add(scoped ReadOnlySpan<byte> bytes)
    {
        if (!bytes.TryCopyTo(_room[_count..]))
        {
            AddBeyond(bytes);
            return;
        }

        _count += bytes.Length;
    }

    /// <summary>Hands over what was added, and the output with it.</summary>
    public IBufferWriter<byte> Flush()
    {
        if (_count > 0) output.Advance(_count);
        _room = default;
        _count = 0;
        return output;
    }

    private void AddBeyond(scoped ReadOnlySpan<byte> bytes)
    {
        Flush();
        Span<byte> room = output.GetSpan();
        if (bytes.TryCopyTo(room))
        {
            _room = room;
            _count = bytes.Length;
            return;
        }

        output.Write(bytes);   // over as many pieces of memory as it takes
    }
}
