namespace Countersign.Masking;

/// <summary>
/// A key that arrives in pieces or with escapes, decoded to UTF-8. It keeps at most
/// <see cref="MaskLimits.KeyBytesMax"/> bytes: a longer key is no rule's name.
/// </summary>
internal sealed class KeyText
{
    private readonly byte[] _bytes = new byte[MaskLimits.KeyBytesMax];
    private SurrogatePairing _pairing;
    private int _length;

    /// <summary>True once a piece came.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>False if the key was too long to keep.</summary>
    public bool IsComparable { get; private set; } = true;

    /// <summary>What was kept.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public void Clear()
    {
        _length = 0;
        _pairing = default;
        HasBegun = false;
        IsComparable = true;
    }

    /// <summary>Content without escapes.</summary>
    public void AddPlain(ReadOnlySpan<byte> bytes)
    {
        HasBegun = true;
        if (bytes.IsEmpty) return;
        AddLone();
        Append(bytes);
    }

    /// <summary>A code unit that was escaped.</summary>
    public void AddUnit(int unit)
    {
        HasBegun = true;
        if (_pairing.Joins(unit, out int scalar))
        {
            AddScalar(scalar);
            return;
        }

        AddLone();
        if (!_pairing.Opens(unit)) AddScalar(unit);
    }

    /// <summary>The key has ended.</summary>
    public void End() => AddLone();

    private void AddLone()
    {
        if (_pairing.IsOpen) AddScalar(_pairing.TakeLone());
    }

    private void AddScalar(int scalar)
    {
        Span<byte> encoded = stackalloc byte[Utf8Bytes.Max];
        Append(encoded[..Utf8Bytes.Encode(scalar, encoded)]);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _bytes.Length - _length)
        {
            IsComparable = false;
            return;
        }

        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }
}
