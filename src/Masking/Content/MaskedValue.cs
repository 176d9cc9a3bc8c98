using System.Buffers;
using System.Text;
using Countersign.Masking.Detectors;

namespace Countersign.Masking.Content;

/// <summary>What stands in place of a value that is no JSON, such as a header's.</summary>
public sealed class MaskedValue
{
    private static readonly StarredText Redacted = new(MaskAction.Redact);
    private static readonly StarredText Starred = new(MaskAction.KeepLast4);

    private readonly MaskEffect _effect;

    /// <summary>A mask on values of one name.</summary>
    /// <param name="action">What happens to them; tokens without a key are redactions.</param>
    /// <param name="key">What tokens are made with.</param>
    /// <param name="name">The class that tokens belong to.</param>
    public MaskedValue(MaskAction action, TokenKey? key, string name)
    {
        MaskAction taken = action == MaskAction.Tokenize && key is null ? MaskAction.Redact : action;
        _effect = new MaskEffect(taken, key, [.. Encoding.UTF8.GetBytes(name), 0], 0);
    }

    /// <summary>Writes what replaces <paramref name="value"/>: nothing for null and drop.</summary>
    public void Write(ReadOnlySpan<byte> value, IBufferWriter<byte> output) => Write(value, _effect, output);

    /// <summary>Places actions by what they leave of a value: the smaller leaves less.</summary>
    public static int StrictnessOf(MaskAction action) => MaskEffect.StrictnessOf(action);

    /// <summary>Writes what replaces <paramref name="value"/> under <paramref name="effect"/>.</summary>
    internal static void Write(ReadOnlySpan<byte> value, MaskEffect effect, IBufferWriter<byte> output)
    {
        switch (effect.Action)
        {
            case MaskAction.Null or MaskAction.Drop:
                break;
            case MaskAction.KeepLast4:
                Starred.Write(value, Detection.None, output);
                break;
            case MaskAction.Tokenize:
                WriteToken(value, effect, output);
                break;
            default:
                Redacted.Write(value, Detection.None, output);
                break;
        }
    }

    private static void WriteToken(ReadOnlySpan<byte> value, MaskEffect effect, IBufferWriter<byte> output)
    {
        byte[] subject = ArrayPool<byte>.Shared.Rent(effect.Class.Length + value.Length);
        effect.Class.CopyTo(subject.AsSpan());
        value.CopyTo(subject.AsSpan(effect.Class.Length));
        ReadOnlySpan<byte> whole = subject.AsSpan(0, effect.Class.Length + value.Length);
        effect.Key!.Write(whole, output.GetSpan(TokenKey.TokenBytes));
        output.Advance(TokenKey.TokenBytes);
        ArrayPool<byte>.Shared.Return(subject, clearArray: true);
    }
}
