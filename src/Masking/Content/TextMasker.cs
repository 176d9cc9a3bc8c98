using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>
/// Masks plain text by detectors alone as it streams by, with the same output for every chunking. A line leaves once it
/// is whole, since nothing but a private key crosses lines; of a longer line leaves what no detection can begin in any
/// more. It holds <see cref="DetectorLimits.DetectionBytesMax"/> bytes and a little, and serves one body at a time.
/// </summary>
internal sealed class TextMasker
{
    private const int BufferBytes = 4 * DetectorLimits.DetectionBytesMax;

    // A longer line is looked at again only when so much has come, so that each byte is looked at twice at most.
    private const int StepBytes = DetectorLimits.DetectionBytesMax;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private DetectorSet _wanted;
    private IFoundText? _found;
    private BodyOpening _opening;
    private Utf8Check _check;
    private int _count;      // bytes in the buffer
    private int _left;       // of these, how many have left already and are kept as what stands before
    private int _looked;     // of these, how many have been looked at for a line's end
    private int _lineEnd;    // after the last line's end among them
    private int _keyFrom;    // where a private key begins whose end has not come, or -1
    private PrivateKeyTail _tail;   // of a key that was longer than what is held: it is dropped as it comes
    private bool _isFinished;

    /// <summary>Detections that were masked in this body.</summary>
    public int MaskedCount { get; private set; }

    /// <summary>Why the body was refused: constant text. Empty when it was not.</summary>
    public string RefusedBecause { get; private set; } = "no detectors were set";

    /// <summary>Begins a body.</summary>
    public void Reset(DetectorSet wanted, IFoundText found)
    {
        _wanted = wanted;
        _found = found;
        _opening = default;
        _check = default;
        _count = _left = _looked = _lineEnd = 0;
        _keyFrom = -1;
        _tail = default;
        _isFinished = false;
        MaskedCount = 0;
        RefusedBecause = "";
    }

    /// <summary>Takes the next bytes, all of them unless it refuses, and writes what may leave by now.</summary>
    public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (_isFinished) return Refuse("input after the end");
        while (!input.IsEmpty && RefusedBecause.Length == 0)
        {
            int taken = Math.Min(input.Length, BufferBytes - _count);
            ReadOnlySpan<byte> bytes = input[..taken];
            // What came before a bad byte leaves or not by its own place, never by how the body was cut.
            int good = _check.Take(bytes);
            bytes = bytes[..good];
            _opening.Take(bytes);
            bytes.CopyTo(_buffer.AsSpan(_count));
            _count += good;
            if (_opening.IsLie) return Refuse("the body is not the text it is said to be");
            Release(output, isEnd: false);
            if (good < taken) return Refuse("not UTF-8 text");
            input = input[taken..];
        }

        return RefusedBecause.Length == 0 ? MaskStatus.NeedMore : MaskStatus.Refused;
    }

    /// <summary>The body has ended.</summary>
    public MaskStatus Finish(IBufferWriter<byte> output)
    {
        if (_isFinished) return Refuse("input after the end");
        if (RefusedBecause.Length > 0) return MaskStatus.Refused;
        if (!_check.IsWhole) return Refuse("not UTF-8 text");
        if (_opening.IsLieAtEnd) return Refuse("the body is not the text it is said to be");
        Release(output, isEnd: true);
        _isFinished = true;
        return MaskStatus.Done;
    }

    private MaskStatus Refuse(string because)
    {
        if (RefusedBecause.Length == 0) RefusedBecause = because;
        _buffer.AsSpan(0, _count).Clear();
        _count = _left = 0;
        return MaskStatus.Refused;
    }

    private void Release(IBufferWriter<byte> output, bool isEnd)
    {
        if (!_opening.IsFine && !isEnd) return;
        if (_tail.IsOpen)
        {
            DropTail();
            Shift();
        }

        int line = _buffer.AsSpan(_looked.._count).LastIndexOfAny((byte)'\n', (byte)'\r');
        if (line >= 0) _lineEnd = _looked + line + 1;
        bool mayEndKey = _keyFrom >= 0
            && _buffer.AsSpan(Math.Max(_keyFrom, _looked - 4).._count).IndexOf("-----"u8) >= 0;
        _looked = _count;
        int held = Math.Max(_left, _keyFrom);
        bool isLong = _count - held >= DetectorLimits.DetectionBytesMax + StepBytes;
        bool isLine = _keyFrom < 0 ? _lineEnd > _left : mayEndKey;
        if (!isEnd && !isLine && !isLong) return;
        int limit = isEnd ? _count : Math.Max(_lineEnd, _count - DetectorLimits.DetectionBytesMax);
        Mask(output, limit, isEnd);
        Shift();
    }

    private void Mask(IBufferWriter<byte> output, int limit, bool isEnd)
    {
        ReadOnlySpan<byte> text = _buffer.AsSpan(0, _count);
        _keyFrom = -1;
        while (_left < limit)
        {
            bool isFound = ValueDetector.TryFind(text, _wanted, _left, false, out Detection found);
            if (!isFound || found.Start >= limit)
            {
                output.Write(text[_left..limit]);
                _left = limit;
                return;
            }

            output.Write(text[_left..found.Start]);
            _left = found.Start;
            bool isCut = found.Detector == DetectorSet.PrivateKey && !PrivateKeyBlock.IsWhole(text, found.Start);
            bool isLong = found.Length >= DetectorLimits.DetectionBytesMax;
            if (isCut && !isLong && !isEnd)
            {
                _keyFrom = found.Start;
                return;
            }

            // Of a longer key the rest may not have come yet, so that it never counts.
            int length = isLong ? DetectorLimits.DetectionBytesMax : found.Length;
            _found!.Write(text.Slice(found.Start, length), found.Detector, output);
            MaskedCount++;
            _left += length;
            if (!isCut || !isLong) continue;
            _tail = PrivateKeyBlock.TailOf(text.Slice(found.Start, length));
            DropTail();
        }
    }

    private void DropTail()
    {
        _left += _tail.Take(_buffer.AsSpan(_left.._count));
        _looked = Math.Max(_looked, _left);
    }

    // Keeps what stands before, on which a detection may depend, and moves the rest to the front when room is short.
    private void Shift()
    {
        int unneeded = _left - DetectorLimits.BytesBehindMax;
        if (unneeded < DetectorLimits.DetectionBytesMax) return;
        _buffer.AsSpan(unneeded.._count).CopyTo(_buffer);
        _count -= unneeded;
        _left -= unneeded;
        _looked -= unneeded;
        _lineEnd = Math.Max(0, _lineEnd - unneeded);
        if (_keyFrom >= 0) _keyFrom -= unneeded;
    }
}
