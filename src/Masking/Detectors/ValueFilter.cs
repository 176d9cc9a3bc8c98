namespace Countersign.Masking.Detectors;

/// <summary>Turns away, cheaply, values in which nothing can be found.</summary>
internal static class ValueFilter
{
    private const int CardDigitsMin = 12;

    /// <summary>Those of <paramref name="wanted"/> that <paramref name="rawValue"/> may hold.</summary>
    public static DetectorSet Possible(ReadOnlySpan<byte> rawValue, DetectorSet wanted)
    {
        DetectorSet possible = wanted & ~(DetectorSet.PaymentCard | DetectorSet.Email);
        if ((wanted & DetectorSet.Email) != 0 && rawValue.Contains((byte)'@')) possible |= DetectorSet.Email;
        if ((wanted & DetectorSet.PaymentCard) == 0 || rawValue.Length < CardDigitsMin) return possible;
        int digits = 0;
        foreach (byte next in rawValue) digits += (uint)(next - '0') <= 9 ? 1 : 0;
        return digits >= CardDigitsMin ? possible | DetectorSet.PaymentCard : possible;
    }
}
