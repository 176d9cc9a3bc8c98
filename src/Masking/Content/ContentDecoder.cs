namespace Countersign.Masking.Content;

/// <summary>
/// Decodes a body as it streams by, bounded in size and in the ratio of what comes out to what went in. What is
/// damaged, cut or followed by anything is refused; what had come out by then was right. Serves one body at a time, and
/// is kept for the next: docs/MASKING.md says what each coding allocates for a body.
/// </summary>
internal abstract class ContentDecoder : IDisposable
{
    private long _bytesMax;
    private int _ratioMax;
    private long _in;
    private long _out;
    private bool _isFinished = true;

    /// <summary>Why the body was refused: constant text. Empty when it was not.</summary>
    public string RefusedBecause { get; private set; } = "";

    /// <summary>Decoded bytes so far.</summary>
    public long DecodedBytes => _out;

    /// <summary>Begins a body that may decode to <paramref name="bytesMax"/> bytes, and past
    /// <see cref="ContentLimits.RatioFreeBytes"/> to <paramref name="ratioMax"/> times its size.</summary>
    public void Reset(long bytesMax, int ratioMax = ContentLimits.RatioMax)
    {
        _bytesMax = bytesMax;
        _ratioMax = ratioMax;
        _in = _out = 0;
        _isFinished = false;
        RefusedBecause = "";
        Begin();
    }

    /// <summary>Takes the next bytes, all of them unless it refuses.</summary>
    public MaskStatus Write(ReadOnlySpan<byte> input, IDecodedSink sink)
    {
        if (_isFinished) Refuse("input after the end");
        if (RefusedBecause.Length > 0) return MaskStatus.Refused;
        _in += input.Length;
        if (!input.IsEmpty && !TryDecode(input, sink)) Refuse("the encoded body is damaged");
        return RefusedBecause.Length == 0 ? MaskStatus.NeedMore : MaskStatus.Refused;
    }

    /// <summary>The body has ended. One without any bytes decodes to none.</summary>
    public MaskStatus Finish()
    {
        if (_isFinished) Refuse("input after the end");
        if (RefusedBecause.Length == 0 && _in > 0 && !IsWhole) Refuse("the encoded body is cut short");
        _isFinished = true;
        return RefusedBecause.Length == 0 ? MaskStatus.Done : MaskStatus.Refused;
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>True if what came so far may be all.</summary>
    protected abstract bool IsWhole { get; }

    /// <summary>Forgets the last body.</summary>
    protected abstract void Begin();

    /// <summary>Decodes all of <paramref name="input"/>; false if it cannot.</summary>
    protected abstract bool TryDecode(ReadOnlySpan<byte> input, IDecodedSink sink);

    /// <summary>Passes decoded bytes on; false once they are too many, or not wanted.</summary>
    protected bool TryPass(ReadOnlySpan<byte> decoded, IDecodedSink sink)
    {
        _out += decoded.Length;
        if (_out > _bytesMax) Refuse("the decoded body is larger than the limit");
        else if (_out > ContentLimits.RatioFreeBytes && _out / _ratioMax > _in)
            Refuse("the encoded body grows beyond the ratio");
        else if (!decoded.IsEmpty && !sink.TryTake(decoded)) Refuse("the decoded body was not taken");
        return RefusedBecause.Length == 0;
    }

    /// <summary>Refuses; the first reason stays.</summary>
    protected void Refuse(string because)
    {
        if (RefusedBecause.Length == 0) RefusedBecause = because;
    }
}
