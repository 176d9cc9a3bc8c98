using System.Buffers;
using System.Collections.Concurrent;

namespace Countersign.Masking.Content;

/// <summary>
/// Masks a whole body as it streams by: its content codings are decoded, and what they hold goes through the masker of
/// its content type. Serves one body at a time and is kept for the next; of identity JSON it allocates nothing for a
/// body.
/// </summary>
public sealed class BodyMasker : IDisposable
{
    // Shared by all maskers: what is seldom needed, and large, is not kept by each of them.
    private static readonly DecoderPool Decoders = new(KeptMax);
    private static readonly ConcurrentBag<OtherMaskers> Others = [];

    private const int KeptMax = 64;

    private readonly JsonMasker _json = new();
    private readonly CodingStage?[] _stages = new CodingStage?[ContentLimits.CodingsMax];
    private readonly ContentCoding[] _codings = new ContentCoding[ContentLimits.CodingsMax];
    private OtherMaskers? _other;
    private EncoderChain? _encoders;
    private IBufferWriter<byte>? _output;
    private ContentKind _kind;
    private int _codingCount;

    /// <summary>Values masked so far; exact once the body has ended.</summary>
    public int MaskedCount => _kind switch
    {
        ContentKind.Json or ContentKind.JsonLines => _json.MaskedCount,
        ContentKind.EventStream => _other!.Events.MaskedCount,
        ContentKind.Form => _other!.Form.MaskedCount,
        ContentKind.Text => _other!.Text.MaskedCount,
        ContentKind.Multipart => _other!.Parts.MaskedCount,
        _ => 0,
    };

    /// <summary>Why the body was refused: constant text, never of the body. Empty when it was not.</summary>
    public string RefusedBecause { get; private set; } = "no body was begun";

    /// <summary>True for a stream of events or records, each of which is wanted as soon as it is there, and for a body
    /// of which nobody said that it is none.</summary>
    public bool IsRecordStream => _kind is ContentKind.EventStream or ContentKind.JsonLines or ContentKind.Plain;

    /// <summary>True if the body is decoded.</summary>
    public bool IsEncoded => _codingCount > 0;

    /// <summary>Secrets that are taken out before anything is masked, wherever they stand; null for none. Until the
    /// body's end.</summary>
    public SecretFilter? Secrets { get; set; }

    /// <summary>True if what is written is under the codings that the body came with.</summary>
    public bool KeepsEncoding => _encoders is not null;

    /// <summary>
    /// True if a content type, whatever its parameters, is one that masks can read; false is another, or none.
    /// </summary>
    public static bool IsReadable(ReadOnlySpan<byte> contentType)
    {
        int end = contentType.IndexOf((byte)';');
        ReadOnlySpan<byte> type = (end < 0 ? contentType : contentType[..end]).Trim(" \t"u8);
        return ContentShape.KindOf(type) != ContentKind.Unknown;
    }

    /// <summary>
    /// Begins a body. False if its type or its codings cannot be read, or not under these rules: text needs detectors,
    /// and the whole of what is no JSON cannot be one value.
    /// </summary>
    /// <param name="program">The rules.</param>
    /// <param name="contentType">The Content-Type field (RFC 9110 section 8.3).</param>
    /// <param name="contentEncoding">The Content-Encoding field (section 8.4); empty for none.</param>
    /// <param name="keepsEncoding">Encode what leaves as it came. Streams of events and records leave decoded all the
    /// same: an encoder would hold them back.</param>
    /// <param name="limits">Bounds of what is decoded.</param>
    /// <param name="listener">Hears what is masked, if anybody wants to.</param>
    [HotPath]
    public bool TryReset(
        MaskProgram program, ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> contentEncoding, bool keepsEncoding,
        BodyLimits limits, IMaskListener? listener)
    {
        ArgumentNullException.ThrowIfNull(program);
        RefusedBecause = "";
        Secrets?.Begin();
        ContentShape shape = ContentShape.Of(contentType);
        _kind = shape.Kind;
        if (_kind is ContentKind.Json or ContentKind.JsonLines) _json.Reset(program, listener);
        else if (!TryResetOther(program, shape, contentType, listener)) return false;
        _codingCount = 0;
        _encoders = null;
        return contentEncoding.IsEmpty || TryResetCodings(contentEncoding, keepsEncoding, limits);
    }

    /// <summary>
    /// Begins a body that is under no rule: it is decoded, its <see cref="Secrets"/> are taken out, and what is left
    /// passes as it is, whatever its type. False if its codings cannot be read.
    /// </summary>
    /// <param name="contentEncoding">The Content-Encoding field (RFC 9110 section 8.4); empty for none.</param>
    /// <param name="limits">Bounds of what is decoded.</param>
    public bool TryOpen(ReadOnlySpan<byte> contentEncoding, BodyLimits limits)
    {
        RefusedBecause = "";
        Secrets?.Begin();
        _kind = ContentKind.Plain;
        _codingCount = 0;
        _encoders = null;
        return contentEncoding.IsEmpty || TryResetCodings(contentEncoding, keepsEncoding: false, limits);
    }

    /// <summary>Takes the next bytes, all of them unless it refuses, and writes what may leave by now.</summary>
    [HotPath]
    public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (RefusedBecause.Length > 0) return MaskStatus.Refused;
        if (_codingCount == 0) return Note(Mask(input, output));
        BeginOutput(output);
        ContentDecoder last = _stages[_codingCount - 1]!.Decoder!;
        bool isTaken = last.Write(input, _stages[_codingCount - 1]!) == MaskStatus.NeedMore;
        if (!isTaken) NoteRefusal(MaskRefusedBecause(), CodingRefusedBecause());
        EndOutput(output, isEnd: false);
        return isTaken ? MaskStatus.NeedMore : MaskStatus.Refused;
    }

    /// <summary>The body has ended, and was whole where this says so.</summary>
    [HotPath]
    public MaskStatus Finish(IBufferWriter<byte> output)
    {
        if (RefusedBecause.Length > 0) return MaskStatus.Refused;
        if (_codingCount == 0) return Note(FinishMask(output));
        BeginOutput(output);
        for (int at = _codingCount - 1; at >= 0; at--)
        {
            if (_stages[at]!.Decoder!.Finish() == MaskStatus.Done) continue;
            NoteRefusal("", CodingRefusedBecause());
            return MaskStatus.Refused;
        }

        MaskStatus status = Note(FinishMask(_output!));
        if (status == MaskStatus.Done) EndOutput(output, isEnd: true);
        return status;
    }

    /// <summary>Lets go of what the body was decoded and encoded with, whatever became of it.</summary>
    [HotPath]
    public void End()
    {
        Secrets = null;
        if (_codingCount > 0) EndCodings();
        if (_other is not null) EndOther();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        End();
        RefusedBecause = "no body was begun";
    }

    private bool TryResetOther(
        MaskProgram program, ContentShape shape, ReadOnlySpan<byte> contentType, IMaskListener? listener)
    {
        if (_other is null && !Others.TryTake(out _other)) _other = new OtherMaskers();
        _other.Texts.Reset(program, listener);
        bool isWhole = program.Root != Hit.None && _kind != ContentKind.EventStream;
        if (isWhole) return Refuse("what is not JSON cannot be masked as one value");
        switch (_kind)
        {
            case ContentKind.EventStream:
                _other.Events.Reset(program, listener);
                return true;
            case ContentKind.Form:
                _other.Form.Reset(_other.Texts, program.Detectors, _other.Texts);
                return true;
            case ContentKind.Text when program.Detectors != 0:
                _other.Text.Reset(program.Detectors, _other.Texts);
                return true;
            case ContentKind.Text:
                return Refuse("text has no fields, and no detector is set");
            case ContentKind.Multipart:
                _other.Parts.Reset(program, listener);
                ReadOnlySpan<byte> boundary = contentType.Slice(shape.BoundaryStart, shape.BoundaryLength);
                _other.Multipart.Reset(boundary, _other.Parts);
                return true;
            default:
                return Refuse("the content type is none that masks can read");
        }
    }

    private bool TryResetCodings(ReadOnlySpan<byte> contentEncoding, bool keepsEncoding, BodyLimits limits)
    {
        if (!ContentCodings.TryRead(contentEncoding, _codings, out int count))
            return Refuse("the content coding is none that can be decoded");
        for (int at = 0; at < count; at++)
        {
            ContentDecoder decoder = Decoders.Rent(_codings[at]);
            decoder.Reset(limits.DecodedBytesMax, limits.RatioMax);
            (_stages[at] ??= new CodingStage(this, at)).Decoder = decoder;
            _codingCount++;
        }

        if (count > 0 && keepsEncoding && !IsRecordStream) _encoders = new EncoderChain(_codings.AsSpan(0, count));
        return true;
    }

    private void EndCodings()
    {
        for (int at = 0; at < _codingCount; at++)
        {
            Decoders.Return(_codings[at], _stages[at]!.Decoder!);
            _stages[at]!.Decoder = null;
        }

        _codingCount = 0;
        _encoders?.Dispose();
        _encoders = null;
    }

    private void EndOther()
    {
        _kind = ContentKind.Unknown;
        RefusedBecause = "no body was begun";
        if (Others.Count < KeptMax) Others.Add(_other!);
        _other = null;
    }

    private void BeginOutput(IBufferWriter<byte> output) => _output = _encoders?.Plain ?? output;

    private void EndOutput(IBufferWriter<byte> output, bool isEnd)
    {
        _encoders?.Encode(output, isEnd);
        _output = null;
    }

    private bool TryTakeDecoded(int at, ReadOnlySpan<byte> bytes) => at == 0
        ? Mask(bytes, _output!) == MaskStatus.NeedMore
        : _stages[at - 1]!.Decoder!.Write(bytes, _stages[at - 1]!) == MaskStatus.NeedMore;

    private MaskStatus Mask(ReadOnlySpan<byte> input, IBufferWriter<byte> output) =>
        MaskClean(Secrets is null ? input : Secrets.Clean(input, isLast: false), output);

    private MaskStatus FinishMask(IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> held = Secrets is null ? default : Secrets.Clean(default, isLast: true);
        bool isTaken = held.IsEmpty || MaskClean(held, output) == MaskStatus.NeedMore;
        return isTaken ? FinishClean(output) : MaskStatus.Refused;
    }

    private MaskStatus MaskClean(ReadOnlySpan<byte> input, IBufferWriter<byte> output) => _kind switch
    {
        ContentKind.Json or ContentKind.JsonLines => _json.Write(input, output),
        ContentKind.EventStream => _other!.Events.Write(input, output),
        ContentKind.Form => _other!.Form.Write(input, output),
        ContentKind.Text => _other!.Text.Write(input, output),
        ContentKind.Multipart => _other!.Multipart.Write(input, output),
        ContentKind.Plain => Pass(input, output),
        _ => MaskStatus.Refused,
    };

    private static MaskStatus Pass(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        output.Write(input);
        return MaskStatus.NeedMore;
    }

    private MaskStatus FinishClean(IBufferWriter<byte> output) => _kind switch
    {
        ContentKind.Json or ContentKind.JsonLines => _json.Finish(output),
        ContentKind.EventStream => _other!.Events.Finish(output),
        ContentKind.Form => _other!.Form.Finish(output),
        ContentKind.Text => _other!.Text.Finish(output),
        ContentKind.Multipart => _other!.Multipart.Finish(),
        ContentKind.Plain => MaskStatus.Done,
        _ => MaskStatus.Refused,
    };

    private string MaskRefusedBecause() => _kind switch
    {
        ContentKind.Json or ContentKind.JsonLines => _json.RefusedBecause,
        ContentKind.EventStream => _other!.Events.RefusedBecause,
        ContentKind.Form => _other!.Form.RefusedBecause,
        ContentKind.Text => _other!.Text.RefusedBecause,
        ContentKind.Multipart => _other!.Multipart.RefusedBecause,
        _ => "",
    };

    private string CodingRefusedBecause()
    {
        for (int at = 0; at < _codingCount; at++)
        {
            if (_stages[at]!.Decoder!.RefusedBecause.Length > 0) return _stages[at]!.Decoder!.RefusedBecause;
        }

        return "";
    }

    private MaskStatus Note(MaskStatus status)
    {
        if (status == MaskStatus.Refused) NoteRefusal(MaskRefusedBecause(), "");
        return status;
    }

    // The innermost reason is the true one: a decoder only knows that what it passed on was not taken.
    private void NoteRefusal(string mask, string coding)
    {
        RefusedBecause = mask.Length > 0 ? mask : coding.Length > 0 ? coding : "the body cannot be read";
    }

    private bool Refuse(string because)
    {
        _kind = ContentKind.Unknown;
        RefusedBecause = because;
        return false;
    }

    private sealed class CodingStage(BodyMasker owner, int at) : IDecodedSink
    {
        public ContentDecoder? Decoder { get; set; }

        public bool TryTake(ReadOnlySpan<byte> bytes) => owner.TryTakeDecoded(at, bytes);
    }
}
