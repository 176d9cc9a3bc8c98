using System.Buffers;
using Countersign.Masking;

namespace Countersign.Bench.Operations;

/// <summary>A JSON answer through the mask, in runs as a socket brings them.</summary>
internal sealed class MaskBody : InlineOperation
{
    private const int RunBytes = 4_096;

    private readonly byte[] _body;
    private readonly MaskProgram _program;
    private readonly JsonMasker _masker = new();
    private readonly ArrayBufferWriter<byte> _output;
    private readonly bool _hits;

    /// <param name="bytes">The body's size.</param>
    /// <param name="fields">The fields to mask.</param>
    /// <param name="hits">Whether the body has any of them.</param>
    internal MaskBody(int bytes, string[] fields, bool hits)
    {
        _body = Wire.People(bytes);
        _program = MaskProgram.Compile([.. fields.Select(field => new MaskRule(field, MaskAction.KeepLast4))]);
        _output = new ArrayBufferWriter<byte>(2 * _body.Length);
        _hits = hits;
    }

    protected override void Run()
    {
        _output.ResetWrittenCount();
        _masker.Reset(_program);
        for (int at = 0; at < _body.Length; at += RunBytes)
        {
            MaskStatus status = _masker.Write(_body.AsSpan(at, Math.Min(RunBytes, _body.Length - at)), _output);
            Require(status != MaskStatus.Refused);
        }

        Require(_masker.Finish(_output) == MaskStatus.Done && _masker.MaskedCount > 0 == _hits);
    }
}
