using System.Buffers;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>
/// Masks plain text by detectors alone as it streams by, with the same output for every chunking. A line leaves once it
/// is whole, since nothing but a private key crosses lines; of a longer line leaves what no detection can begin in any
/// more. Where detections overlap and go on for longer, what is behind the first part of them is dropped as it comes.
/// It holds <see cref="DetectorLimits.DetectionBytesMax"/> bytes and a little, and serves one body at a time.
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
    private int _masked;     // of these, how many were masked: more than have left where detections go on
    private int _heldTo;     // where what is found ends, or the part of it that is held; 0 if nothing is held
    private bool _holdsKey;  // a private key whose end has not come
    private PrivateKeyTail _tail;   // of a key that was longer than what is held: it is dropped as it comes
    private int _keysFrom;   // where that ends: no key begins in it
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
        _count = _left = _looked = _lineEnd = _masked = _heldTo = _keysFrom = 0;
        _holdsKey = false;
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
        _count = _left = _masked = 0;
        return MaskStatus.Refused;
    }

    private void Release(IBufferWriter<byte> output, bool isEnd)
    {
        if (!_opening.IsFine && !isEnd) return;
        if (_tail.IsOpen) DropTail();
        int line = _buffer.AsSpan(_looked.._count).LastIndexOfAny((byte)'\n', (byte)'\r');
        if (line >= 0) _lineEnd = _looked + line + 1;
        bool mayEndKey = _holdsKey && _buffer.AsSpan(Math.Max(_left, _looked - 4).._count).IndexOf("-----"u8) >= 0;
        _looked = _count;
        bool isLong = _count - _left >= DetectorLimits.DetectionBytesMax + StepBytes;
        bool isLine = _holdsKey ? mayEndKey : _lineEnd > _left && _lineEnd >= _heldTo;
        if (!isEnd && !isLine && !isLong) return;
        int limit = isEnd ? _count : Math.Max(_lineEnd, _count - DetectorLimits.DetectionBytesMax);
        Mask(output, limit, isEnd);
        Shift();
    }

    private void Mask(IBufferWriter<byte> output, int limit, bool isEnd)
    {
        _heldTo = 0;
        _holdsKey = false;
        ReadOnlySpan<byte> text = _buffer.AsSpan(0, _count);
        var search = new ValueSearch(new(text), _wanted, false, _left, DetectorLimits.DetectionBytesMax);
        while (_left < limit)
        {
            if (_left < _masked)
            {
                if (!GoOn(text, limit, isEnd)) return;
                continue;
            }

            if (_left != search.From) search.Begin(_left);
            bool isFound = search.TryNext(out Detection found);
            int next = isFound ? Math.Min(found.Start, limit) : limit;
            output.Write(text[_left..next]);
            _left = next;
            if (next == limit || (!isEnd && IsHeld(text, found, limit))) return;
            Replace(text, found, output);
        }
    }

    // What begins before the limit has come whole, but for a private key; not so what overlaps it from behind that.
    private bool IsHeld(ReadOnlySpan<byte> text, in Detection found, int limit)
    {
        _holdsKey = IsOpen(text, found);
        int end = found.Start + Math.Min(found.Length, DetectorLimits.DetectionBytesMax);
        if (_holdsKey || end <= limit) return _holdsKey;
        _heldTo = end;
        return true;
    }

    // Of a longer key the rest may not have come yet, so that it never counts.
    private void Replace(ReadOnlySpan<byte> text, in Detection found, IBufferWriter<byte> output)
    {
        bool isLong = IsLong(found) && !PrivateKeyBlock.IsWhole(text, found.KeyStart);
        int end = isLong ? found.KeyStart + DetectorLimits.DetectionBytesMax : found.End;
        _found!.Write(text[found.Start..end], found, output);
        MaskedCount++;
        _left = found.Start + Math.Min(found.Length, DetectorLimits.DetectionBytesMax);
        Drop(text, found);
    }

    /// <summary>Looks for what overlaps something masked, behind the part of that which is held, and drops it; false
    /// if that is a key whose end has not come.</summary>
    private bool GoOn(ReadOnlySpan<byte> text, int limit, bool isEnd)
    {
        bool isInKey = _left < _keysFrom;
        int until = Math.Min(limit, isInKey ? _keysFrom : _masked);
        DetectorSet wanted = isInKey ? _wanted & ~DetectorSet.PrivateKey : _wanted;
        bool isFound = ValueDetector.TryFindOne(text, wanted, _left, until, false, out Detection found);
        if (!isFound || found.Start >= until)
        {
            _left = until;
            return true;
        }

        _left = found.Start;
        _holdsKey = !isEnd && IsOpen(text, found);
        if (_holdsKey) return false;
        _left++;
        Drop(text, found);
        return true;
    }

    private void Drop(ReadOnlySpan<byte> text, in Detection found)
    {
        _masked = Math.Max(_masked, found.End);
        if (found.KeyEnd == 0) return;
        _keysFrom = found.KeyEnd;
        if (!IsLong(found) || PrivateKeyBlock.IsWhole(text, found.KeyStart)) return;
        _keysFrom = found.KeyStart + DetectorLimits.DetectionBytesMax;
        _tail = PrivateKeyBlock.TailOf(text[found.KeyStart.._keysFrom]);
        DropTail();
    }

    private void DropTail()
    {
        _keysFrom += _tail.Take(_buffer.AsSpan(_keysFrom.._count));
        _masked = Math.Max(_masked, _keysFrom);
    }

    private static bool IsLong(in Detection found) =>
        found.KeyEnd - found.KeyStart >= DetectorLimits.DetectionBytesMax;

    private static bool IsOpen(ReadOnlySpan<byte> text, in Detection found) =>
        found.KeyEnd > 0 && !IsLong(found) && !PrivateKeyBlock.IsWhole(text, found.KeyStart);

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
        _masked = Math.Max(0, _masked - unneeded);
        _heldTo = Math.Max(0, _heldTo - unneeded);
        _keysFrom = Math.Max(0, _keysFrom - unneeded);
    }
}
