using System.Buffers;
using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>
/// Applies a program to texts that are no JSON: what is found in a text, and values that a name belongs to. Null and
/// drop leave nothing there.
/// </summary>
internal sealed class MaskedText : IFoundText, IFormFields
{
    private readonly ArrayBufferWriter<byte> _inner = new(256);
    private JsonMasker? _json;
    private MaskProgram? _program;
    private IMaskListener? _listener;

    /// <summary>Begins a body.</summary>
    public void Reset(MaskProgram program, IMaskListener? listener) => (_program, _listener) = (program, listener);

    /// <summary>What the rules say of a field: a bare name, or a path of one step.</summary>
    public Hit HitOf(ReadOnlySpan<byte> name)
    {
        bool isComparable = name.Length <= MaskLimits.KeyBytesMax;
        ulong matched = _program!.MatchMember(_program.FirstSteps, name, isComparable, out Hit bare);
        Hit path = _program.HitOf(matched);
        return path < bare ? path : bare;
    }

    /// <inheritdoc/>
    public bool IsTooLong(ReadOnlySpan<byte> name) =>
        name.Length > MaskLimits.KeyBytesMax && _program!.Names.FoldsSeparators;

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> text, in Detection found, IBufferWriter<byte> output)
    {
        Hit hit = _program!.HitOf(found, out DetectorSet detector);
        Put(text, hit, output);
        Tell("$", hit, detector);
    }

    /// <inheritdoc/>
    public bool TryMask(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        Hit hit = HitOf(name);
        if (hit == Hit.None) return TryMaskJson(value, output);
        Put(value, hit, output);
        if (_listener is not null) Tell("$['" + Encoding.UTF8.GetString(name) + "']", hit, DetectorSet.None);
        return true;
    }

    private void Put(ReadOnlySpan<byte> value, Hit hit, IBufferWriter<byte> output) =>
        MaskedValue.Write(value, _program!.EffectOf(hit), output);

    /// <summary>Tells the listener, if any, of a value at <paramref name="path"/>.</summary>
    public void Tell(string path, Hit hit, DetectorSet detector)
    {
        if (_listener is null) return;
        MaskEffect effect = _program!.EffectOf(hit);
        _listener.Masked(new MaskFinding(path, effect.Action, effect.Rule, detector));
    }

    // A field may carry a whole JSON text, as webhooks do: it is masked as one, or hidden if it cannot be read.
    private bool TryMaskJson(ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        int blanks = JsonOpening.Blanks(value);
        if (_program!.NestedDepth == 0 || !JsonOpening.Begins(value[blanks..])) return false;
        _json ??= new JsonMasker();
        _json.Reset(_program, _listener);
        _inner.ResetWrittenCount();
        _inner.Write(value[..blanks]);
        bool isMasked = _json.Write(value[blanks..], _inner) == MaskStatus.NeedMore
            && _json.Finish(_inner) == MaskStatus.Done;
        if (isMasked && _json.MaskedCount == 0) return false;
        output.Write(isMasked ? _inner.WrittenSpan : "***"u8);
        return true;
    }
}
