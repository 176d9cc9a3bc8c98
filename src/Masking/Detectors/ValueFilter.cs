using System.Buffers;
using System.Numerics;

namespace Countersign.Masking.Detectors;

/// <summary>Tells cheaply, from a value's raw bytes, which detectors could find something in it.</summary>
internal static class ValueFilter
{
    private static readonly SearchValues<byte> DigitsAndCapitals =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private const int CardMin = 12;
    private const int SsnMin = 11;
    private const int IbanMin = 15;
    private const int PhoneMin = 9;
    private const int TokenMin = 15;
    private const int PrivateKeyMin = 27;
    private const int VendorKeyMin = 15;
    private const int AddressMin = 5;
    private const int UrlMin = 8;
    private const int SecretTextMin = 40;

    /// <summary>
    /// The detectors of <paramref name="wanted"/> that could find something in the string whose content, escapes and
    /// all, is <paramref name="rawValue"/>, or in that number. One that is not named finds nothing; one that is may
    /// find nothing either. High entropy is named also for what counts beside a telling name alone.
    /// </summary>
    [HotPath]
    public static DetectorSet Possible(ReadOnlySpan<byte> rawValue, DetectorSet wanted)
    {
        DetectorSet left = wanted & ByLength(rawValue.Length);
        if (left == DetectorSet.None) return left;
        if (rawValue.Contains((byte)'\\')) return left;   // an escape may stand for any character
        return ByContent(rawValue, left);
    }

    /// <summary>The detectors that could find something in so many bytes.</summary>
    private static DetectorSet ByLength(int length)
    {
        DetectorSet possible = DetectorSet.None;
        if (length >= CardMin) possible |= DetectorSet.PaymentCard;
        if (length >= SsnMin) possible |= DetectorSet.UsSsn;
        if (length >= IbanMin) possible |= DetectorSet.Iban;
        if (length >= PhoneMin) possible |= DetectorSet.Phone;
        if (length >= TokenMin) possible |= DetectorSet.Jwt;
        if (length >= PrivateKeyMin) possible |= DetectorSet.PrivateKey;
        if (length >= VendorKeyMin) possible |= DetectorSet.CloudKey;
        if (length >= AddressMin) possible |= DetectorSet.Email;
        if (length >= UrlMin) possible |= DetectorSet.BasicAuthUrl;
        if (length >= DetectorLimits.SecretMin) possible |= DetectorSet.HighEntropy;
        return possible;
    }

    private static DetectorSet ByContent(ReadOnlySpan<byte> value, DetectorSet wanted)
    {
        const int Most = TriggerMasks.BlockBytes + TriggerMasks.BytesAhead;
        Span<byte> padded = stackalloc byte[Most];
        DetectorSet possible = DetectorSet.None;
        if (value.Length == SecretTextMin) possible |= DetectorSet.CloudKey;   // a secret needs no mark beside its name
        bool looksForSecrets = (wanted & DetectorSet.HighEntropy) != 0;
        bool mayBeGrouped = value.Length >= HighEntropySecret.GroupedBytes && value.ContainsAny((byte)' ', (byte)'-');
        if (looksForSecrets && (mayBeGrouped || value.ContainsAny(DigitsAndCapitals)))
            possible |= DetectorSet.HighEntropy;
        var triggers = new Triggers(wanted & ~DetectorSet.HighEntropy);
        ulong isAfterWord = 0;
        ulong isAfterDigit = 0;
        for (int at = 0; at < value.Length && (possible & wanted) != wanted; at += TriggerMasks.BlockBytes)
        {
            scoped ReadOnlySpan<byte> block = value[at..];
            if (block.Length < Most)
            {
                if (at > 0) padded.Clear();
                block.CopyTo(padded);
                block = padded;
            }

            ulong places = triggers.In(block, ref isAfterWord, ref isAfterDigit);
            for (; places != 0; places &= places - 1)
                possible |= Named(block[BitOperations.TrailingZeroCount(places)]);
        }

        return possible & wanted;
    }

    private static DetectorSet Named(byte trigger) => trigger switch
    {
        (byte)'@' => DetectorSet.Email,
        (byte)'+' => DetectorSet.Phone,
        (byte)'-' => DetectorSet.PrivateKey,
        (byte)'(' => DetectorSet.Phone,
        (byte)':' => DetectorSet.BasicAuthUrl,
        (byte)'e' => DetectorSet.Jwt,
        >= (byte)'0' and <= (byte)'9' =>
            DetectorSet.PaymentCard | DetectorSet.UsSsn | DetectorSet.Phone | DetectorSet.Iban,
        _ => DetectorSet.CloudKey,
    };
}
