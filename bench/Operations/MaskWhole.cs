using System.Buffers;
using Countersign.Masking;
using Countersign.Masking.Detectors;

namespace Countersign.Bench.Operations;

/// <summary>A JSON answer whose values are judged whole: detectors, tokens, drop and JSON inside strings.</summary>
internal sealed class MaskWhole : InlineOperation
{
    private const int RunBytes = 4_096;

    private readonly byte[] _body;
    private readonly MaskProgram _program = MaskProgram.Compile(
    [
        new("", MaskAction.Redact) { Detect = DetectorSet.PaymentCard | DetectorSet.Email },
        new("ssn", MaskAction.Tokenize) { Key = TokenKey.From("0123456789abcdef"u8) },
        new("no_such_field", MaskAction.Drop),
    ]);
    private readonly JsonMasker _masker = new();
    private readonly ArrayBufferWriter<byte> _output;

    /// <param name="bytes">The body's size.</param>
    internal MaskWhole(int bytes)
    {
        string people = System.Text.Encoding.UTF8.GetString(Wire.People(bytes / 4));
        _body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            new { text = people, mail = "to a@example.test", card = 4242424242424242, more = people });
        _output = new ArrayBufferWriter<byte>(2 * _body.Length);
    }

    protected override void Run()
    {
        _output.ResetWrittenCount();
        _masker.Reset(_program);
        for (int at = 0; at < _body.Length; at += RunBytes)
            Require(_masker.Write(_body.AsSpan(at, Math.Min(RunBytes, _body.Length - at)), _output) != 0);

        Require(_masker.Finish(_output) == MaskStatus.Done && _masker.MaskedCount > 2);
    }
}
