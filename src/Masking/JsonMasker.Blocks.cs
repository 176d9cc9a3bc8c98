using System.Buffers;

namespace Countersign.Masking;

/// <content>Whole blocks at a time.</content>
public sealed partial class JsonMasker
{
    private bool _runsBlocks;

    private void RunBlocks(ReadOnlySpan<byte> input, ref int position, IBufferWriter<byte> output)
    {
        _ = _runsBlocks;
    }
}
