using System.Buffers;
using System.Globalization;

namespace Countersign.Masking.Content;

/// <summary>Masks the body of one part after another, each by the masker of its kind.</summary>
internal sealed class PartMasker : IPartMasker, IMaskListener
{
    private readonly JsonMasker _json = new();
    private readonly SseMasker _events = new();
    private readonly FormMasker _form = new();
    private readonly TextMasker _text = new();
    private readonly MaskedText _texts = new();
    private MaskProgram? _program;
    private IMaskListener? _listener;
    private ContentKind _kind;
    private bool _isHidden;
    private int _number;

    /// <summary>Values that were masked in the parts that have ended.</summary>
    public int MaskedCount { get; private set; }

    /// <summary>Begins a body.</summary>
    public void Reset(MaskProgram program, IMaskListener? listener)
    {
        _program = program;
        _listener = listener;
        _texts.Reset(program, listener is null ? null : this);
        _number = 0;
        MaskedCount = 0;
    }

    /// <inheritdoc/>
    public bool IsTooLong(ReadOnlySpan<byte> name) => _texts.IsTooLong(name);

    /// <inheritdoc/>
    public bool TryBegin(ContentKind kind, ReadOnlySpan<byte> name)
    {
        _kind = kind;
        _number++;
        IMaskListener? listener = _listener is null ? null : this;
        Hit hit = name.IsEmpty ? Hit.None : _texts.HitOf(name);
        _isHidden = hit != Hit.None;
        if (_isHidden)
        {
            // What the part holds is not looked at: whatever the action, nothing of it may stay.
            _texts.Tell("$", hit, Detectors.DetectorSet.None);
            return true;
        }

        switch (kind)
        {
            case ContentKind.Json or ContentKind.JsonLines:
                _json.Reset(_program!, listener);
                return true;
            case ContentKind.EventStream:
                _events.Reset(_program!, listener);
                return true;
            case ContentKind.Form:
                _form.Reset(_texts, _program!.Detectors, _texts);
                return true;
            case ContentKind.Text when _program!.Detectors != 0 || !name.IsEmpty:
                _text.Reset(_program!.Detectors, _texts);
                return true;
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    public MaskStatus Write(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (_isHidden) return MaskStatus.NeedMore;
        return _kind switch
        {
            ContentKind.Json or ContentKind.JsonLines => _json.Write(input, output),
            ContentKind.EventStream => _events.Write(input, output),
            ContentKind.Form => _form.Write(input, output),
            ContentKind.Text => _text.Write(input, output),
            _ => MaskStatus.Refused,
        };
    }

    /// <inheritdoc/>
    public MaskStatus Finish(IBufferWriter<byte> output)
    {
        if (_isHidden)
        {
            output.Write(_kind == ContentKind.Json ? "\"***\""u8 : "***"u8);
            MaskedCount++;
            return MaskStatus.Done;
        }

        MaskStatus status = _kind switch
        {
            ContentKind.Json or ContentKind.JsonLines => _json.Finish(output),
            ContentKind.EventStream => _events.Finish(output),
            ContentKind.Form => _form.Finish(output),
            ContentKind.Text => _text.Finish(output),
            _ => MaskStatus.Refused,
        };
        MaskedCount += _kind switch
        {
            ContentKind.Json or ContentKind.JsonLines => _json.MaskedCount,
            ContentKind.EventStream => _events.MaskedCount,
            ContentKind.Form => _form.MaskedCount,
            _ => _text.MaskedCount,
        };
        return status;
    }

    /// <summary>Passes on what a part's masker told, with the part's number from 1.</summary>
    public void Masked(MaskFinding finding)
    {
        string part = "part " + _number.ToString(CultureInfo.InvariantCulture) + ": ";
        _listener!.Masked(finding with { Path = part + finding.Path });
    }
}
