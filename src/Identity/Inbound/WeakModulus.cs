using System.Numerics;

namespace Countersign.Identity.Inbound;

/// <summary>RSA moduli that can be factored by how they were made.</summary>
internal static class WeakModulus
{
    // A modulus of the library of CVE-2017-15361 (ROCA) is a power of 65537 modulo each of these; one in 2^27 others
    // is.
    private static readonly int[] Primes =
        [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

    private static readonly HashSet<int>[] Powers = [.. Primes.Select(PowersOf)];

    /// <summary>True for a modulus whose primes are all but told by it (Nemec and others, 2017).</summary>
    /// <param name="modulus">Unsigned, most significant byte first.</param>
    public static bool IsRoca(ReadOnlySpan<byte> modulus)
    {
        BigInteger number = new(modulus, isUnsigned: true, isBigEndian: true);
        for (int index = 0; index < Primes.Length; index++)
        {
            if (!Powers[index].Contains((int)(number % Primes[index]))) return false;
        }

        return true;
    }

    private static HashSet<int> PowersOf(int prime)
    {
        HashSet<int> powers = [];
        for (int power = 1; powers.Add(power); power = power * 65537 % prime)
        {
        }

        return powers;
    }
}
