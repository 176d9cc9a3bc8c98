using System.Buffers;
using System.Security.Cryptography;

namespace Countersign.Masking.Content;

/// <summary>
/// Takes known secrets out of bytes that pass by, wherever they are cut: every occurrence is overwritten by as many
/// asterisks, so that no length changes. Only a run's end that may be a secret's beginning waits for the next run.
/// </summary>
/// <remarks>
/// A secret is known as it is, and as JSON and URLs write it where that differs. Looking costs a vectorised search of
/// each run and no allocation; a run that holds nothing is handed back as it came.
/// </remarks>
public sealed class SecretFilter
{
    /// <summary>Shorter values are not looked for: they would be found in what is none.</summary>
    public const int ValueBytesMin = 8;

    private const byte Filler = (byte)'*';

    private readonly List<ReadOnlyMemory<byte>> _values = [];
    private readonly List<byte[]> _forms = [];
    private byte[] _work = [];
    private int _held;
    private int _longest;

    /// <summary>True if there is nothing to look for.</summary>
    public bool IsEmpty => _values.Count == 0;

    /// <summary>How often a secret was found since <see cref="Clear"/>.</summary>
    public int FoundCount { get; private set; }

    /// <summary>Looks for one more secret, whose bytes stay the caller's and must not change until
    /// <see cref="Clear"/>.</summary>
    /// <param name="value">Its bytes; one of fewer than <see cref="ValueBytesMin"/> is not looked for.</param>
    public void Add(ReadOnlyMemory<byte> value)
    {
        if (value.Length < ValueBytesMin) return;
        Know(value);
        foreach (byte[] form in SecretForms.Of(value.Span))
        {
            _forms.Add(form);
            Know(form);
        }
    }

    /// <summary>Begins another text: what was held of the last one is forgotten.</summary>
    public void Begin()
    {
        _work.AsSpan(0, _held).Clear();
        _held = 0;
    }

    /// <summary>Takes the next run, and says what may leave by now.</summary>
    /// <param name="run">The bytes; not changed.</param>
    /// <param name="isLast">Nothing follows, so nothing is held.</param>
    /// <returns>What may leave, all lengths kept over the whole text; good until the next call.</returns>
    [HotPath]
    public ReadOnlySpan<byte> Clean(ReadOnlySpan<byte> run, bool isLast)
    {
        if (_values.Count == 0) return run;
        if (_held > 0 || HoldsAny(run)) return CleanCopy(run, isLast);
        int held = isLast ? 0 : TailBytes(run);
        return held == 0 ? run : Hold(run, held);
    }

    /// <summary>True if a text that is there as a whole holds a secret.</summary>
    public bool HoldsAny(ReadOnlySpan<byte> text)
    {
        for (int at = 0; at < _values.Count; at++)
        {
            ReadOnlySpan<byte> value = _values[at].Span;
            if (value.Length <= text.Length && text.IndexOf(value) >= 0) return true;
        }

        return false;
    }

    /// <summary>Overwrites every secret in a text that is there as a whole.</summary>
    public void Overwrite(Span<byte> text) => Overwrite(text, text.Length);

    /// <summary>Forgets the secrets and what was held, wiped.</summary>
    public void Clear()
    {
        FoundCount = 0;
        if (_values.Count == 0) return;
        foreach (byte[] form in _forms) CryptographicOperations.ZeroMemory(form);
        _forms.Clear();
        _values.Clear();
        _longest = _held = 0;
        GiveBackWork();
    }

    // The longest first: one that is part of another must not be overwritten before it.
    private void Know(ReadOnlyMemory<byte> value)
    {
        int at = 0;
        for (; at < _values.Count && _values[at].Length >= value.Length; at++)
        {
            if (_values[at].Span.SequenceEqual(value.Span)) return;
        }

        _values.Insert(at, value);
        _longest = Math.Max(_longest, value.Length);
    }

    private ReadOnlySpan<byte> Hold(ReadOnlySpan<byte> run, int held)
    {
        ReserveWork(held);
        run[^held..].CopyTo(_work);
        _held = held;
        return run[..^held];
    }

    private ReadOnlySpan<byte> CleanCopy(ReadOnlySpan<byte> run, bool isLast)
    {
        int count = _held + run.Length;
        ReserveWork(count);
        run.CopyTo(_work.AsSpan(_held));
        int held = isLast ? 0 : TailBytes(_work.AsSpan(0, count));

        // What begins in the end that is held is decided with the next run: it may turn out to be a longer one.
        Overwrite(_work.AsSpan(0, count), count - held);
        return Leaving(count, held);
    }

    // What is held stands at the front for the next run, and what leaves behind it.
    private ReadOnlySpan<byte> Leaving(int count, int held)
    {
        _held = Math.Max(_held, count); // all of it is kept by the reservation
        if (held > 0)
        {
            ReserveWork(count + held);
            _work.AsSpan(0, count).CopyTo(_work.AsSpan(held));
            _work.AsSpan(count, held).CopyTo(_work);
        }

        _held = held;
        return _work.AsSpan(held, count - held);
    }

    private void Overwrite(Span<byte> text, int startMax)
    {
        foreach (ReadOnlyMemory<byte> one in _values)
        {
            int from = 0;
            while (text[from..].IndexOf(one.Span) is var found && found >= 0 && from + found < startMax)
            {
                text.Slice(from + found, one.Length).Fill(Filler);
                from += found + one.Length;
                FoundCount++;
            }
        }
    }

    // How many of the last bytes may be a secret's beginning.
    private int TailBytes(ReadOnlySpan<byte> text)
    {
        int longest = 0;
        for (int at = 0; at < _values.Count; at++)
        {
            ReadOnlySpan<byte> value = _values[at].Span;
            longest = Math.Max(longest, BeginningOf(value, text[^Math.Min(text.Length, value.Length - 1)..]));
        }

        return longest;
    }

    // By eight bytes at a time as long as there are so many: single letters are found too often.
    private static int BeginningOf(ReadOnlySpan<byte> value, ReadOnlySpan<byte> tail)
    {
        ReadOnlySpan<byte> first = value[..ValueBytesMin];
        while (tail.IndexOf(first) is var found and >= 0)
        {
            tail = tail[found..];
            if (value.StartsWith(tail)) return tail.Length;
            tail = tail[1..];
        }

        for (int length = Math.Min(ValueBytesMin - 1, tail.Length); length > 0; length--)
        {
            if (value.StartsWith(tail[^length..])) return length;
        }

        return 0;
    }

    // Keeps what is held.
    private void ReserveWork(int count)
    {
        if (_work.Length >= count) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(count);
        _work.AsSpan(0, _held).CopyTo(larger);
        GiveBackWork();
        _work = larger;
    }

    private void GiveBackWork()
    {
        if (_work.Length == 0) return;
        CryptographicOperations.ZeroMemory(_work);
        ArrayPool<byte>.Shared.Return(_work);
        _work = [];
    }
}
