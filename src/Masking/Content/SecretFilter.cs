using System.Buffers;
using System.Security.Cryptography;

namespace Countersign.Masking.Content;

/// <summary>
/// Takes known secrets out of bytes that pass by, wherever they are cut: every occurrence is overwritten by as many
/// asterisks as bytes write it, so that no length changes. Only a run's end that may be a secret's beginning waits for
/// the next run.
/// </summary>
/// <remarks>
/// A secret is known as it is, and however JSON, HTML or URLs would write it, each of its characters in a way of its
/// own and one way inside another (<see cref="EscapedText"/>). Looking costs vectorised searches of each run, a closer
/// look where a backslash, an ampersand or a percent sign stands, and no allocation; a run that holds nothing is handed
/// back as it came.
/// </remarks>
public sealed class SecretFilter
{
    /// <summary>Shorter values are not looked for: they would be found in what is none.</summary>
    public const int ValueBytesMin = 8;

    private const byte Filler = (byte)'*';

    private KnownSecret[] _secrets = [];
    private byte[][] _forms = [];
    private byte[] _work = [];
    private int _count;
    private int _held;

    /// <summary>True if there is nothing to look for.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>How often a secret was found since <see cref="Clear"/>.</summary>
    public int FoundCount { get; private set; }

    /// <summary>Looks for one more secret, whose bytes stay the caller's and must not change until
    /// <see cref="Clear"/>.</summary>
    /// <param name="value">Its bytes; one of fewer than <see cref="ValueBytesMin"/> is not looked for.</param>
    public void Add(ReadOnlyMemory<byte> value)
    {
        if (value.Length < ValueBytesMin) return;
        Know(value);
        if (!value.Span.Contains((byte)' ')) return;

        // A form has a plus sign for a space (URL Standard, 5.2).
        byte[] form = value.ToArray();
        form.AsSpan().Replace((byte)' ', (byte)'+');
        _forms = [.. _forms, form];
        Know(form);
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
        if (_count == 0) return run;
        if (_held > 0) return CleanCopy(run, isLast);
        SecretFinding first = First(run, isLast);
        return first.Match switch
        {
            SecretMatch.No => run,
            SecretMatch.Unknown => Hold(run, run.Length - first.At),
            _ => CleanCopy(run, isLast),
        };
    }

    /// <summary>True if a text that is there as a whole holds a secret.</summary>
    public bool HoldsAny(ReadOnlySpan<byte> text) =>
        _count > 0 && First(text, isWhole: true).Match == SecretMatch.Yes;

    /// <summary>Overwrites every secret in a text that is there as a whole.</summary>
    public void Overwrite(Span<byte> text) => Overwrite(text, isWhole: true);

    /// <summary>Forgets the secrets and what was held, wiped.</summary>
    public void Clear()
    {
        FoundCount = 0;
        if (_count == 0) return;
        foreach (byte[] form in _forms) CryptographicOperations.ZeroMemory(form);
        foreach (KnownSecret secret in Secrets) secret.Become(default);
        _forms = [];
        _count = _held = 0;
        GiveBackWork();
    }

    private ReadOnlySpan<KnownSecret> Secrets => _secrets.AsSpan(0, _count);

    private void Know(ReadOnlyMemory<byte> value)
    {
        foreach (KnownSecret known in Secrets)
        {
            if (known.Value.Span.SequenceEqual(value.Span)) return;
        }

        // Kept for the next call's secret: most have one.
        if (_count == _secrets.Length) _secrets = [.. _secrets, new KnownSecret()];
        _secrets[_count++].Become(value);
    }

    private SecretFinding First(ReadOnlySpan<byte> text, bool isWhole)
    {
        foreach (KnownSecret secret in Secrets) secret.Next = -1;
        return SecretSearch.Find(text, 0, isWhole, Secrets);
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
        return Leaving(count, Overwrite(_work.AsSpan(0, count), isLast));
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

    // How many of the last bytes must wait. What begins among them may turn out to be another, longer one.
    private int Overwrite(Span<byte> text, bool isWhole)
    {
        SecretFinding found = _count == 0 ? default : First(text, isWhole);
        while (found.Match == SecretMatch.Yes)
        {
            text.Slice(found.At, found.Length).Fill(Filler);
            FoundCount++;
            found = SecretSearch.Find(text, found.At + found.Length, isWhole, Secrets);
        }

        return found.Match == SecretMatch.Unknown ? text.Length - found.At : 0;
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
