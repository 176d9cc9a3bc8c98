using System.Buffers;
using System.Text;
using Countersign.Masking;

namespace Countersign.Bench.Operations;

/// <summary>A stream of events through the mask.</summary>
internal sealed class MaskEvents : InlineOperation
{
    private const int Events = 20;

    private readonly byte[] _stream;
    private readonly MaskProgram _program = MaskProgram.Compile([new("ssn", MaskAction.Redact)]);
    private readonly SseMasker _masker = new();
    private readonly ArrayBufferWriter<byte> _output = new(16_384);

    internal MaskEvents()
    {
        StringBuilder stream = new();
        for (int sent = 0; sent < Events; sent++)
            stream.Append("event: message\ndata: {\"ssn\":\"1\",\"text\":\"nothing to hide in here\"}\n\n");
        _stream = Encoding.UTF8.GetBytes(stream.ToString());
    }

    protected override void Run()
    {
        _output.ResetWrittenCount();
        _masker.Reset(_program, null);
        Require(_masker.Write(_stream, _output) == MaskStatus.NeedMore);
        Require(_masker.Finish(_output) == MaskStatus.Done && _masker.MaskedCount == Events);
    }
}
