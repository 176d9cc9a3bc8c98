using System.Buffers;

namespace Countersign.Masking.Content;

/// <summary>Encodes what was masked by the codings that it came with, in the order they were applied.</summary>
internal sealed class EncoderChain : IDisposable
{
    private readonly ContentEncoder[] _encoders;
    private readonly ArrayBufferWriter<byte>[] _waiting;

    /// <summary>A chain of one or more codings, the first applied first.</summary>
    public EncoderChain(ReadOnlySpan<ContentCoding> codings)
    {
        _encoders = new ContentEncoder[codings.Length];
        _waiting = new ArrayBufferWriter<byte>[codings.Length];
        for (int at = 0; at < codings.Length; at++)
        {
            _encoders[at] = ContentEncoder.Of(codings[at]);
            _waiting[at] = new ArrayBufferWriter<byte>();
        }
    }

    /// <summary>Where masked bytes go.</summary>
    public IBufferWriter<byte> Plain => _waiting[0];

    /// <summary>Encodes what has come; what is ready goes to <paramref name="output"/>.</summary>
    public void Encode(IBufferWriter<byte> output, bool isEnd)
    {
        for (int at = 0; at < _encoders.Length; at++)
        {
            IBufferWriter<byte> next = at + 1 < _encoders.Length ? _waiting[at + 1] : output;
            _encoders[at].Write(_waiting[at].WrittenSpan, next);
            if (isEnd) _encoders[at].Finish(next);
            _waiting[at].Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ContentEncoder encoder in _encoders) encoder.Dispose();
    }
}
