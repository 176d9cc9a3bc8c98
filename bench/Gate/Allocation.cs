namespace Countersign.Bench.Gate;

/// <summary>What one operation was found to allocate.</summary>
/// <param name="Operation">Its name.</param>
/// <param name="Bytes">Bytes per operation, on average over the best round.</param>
/// <param name="SpansThreads">The whole process was counted, not one thread.</param>
internal readonly record struct Allocation(string Operation, double Bytes, bool SpansThreads)
{
    // Less than a byte per operation is no object per operation.
    private const double NothingBytes = 1;
    private const double GrowthMax = 0.05;

    // Tiles, checkpoints, heartbeats and pools come by the clock or by the hundred, so their share varies with the
    // machine. Less than the smallest object, 24 bytes: one more object per operation is always seen.
    private const double ProcessBytes = 16;

    /// <summary>As the baseline holds it: whole bytes, and nothing where less than one was seen.</summary>
    internal double RoundedBytes => Bytes < NothingBytes ? 0 : Math.Ceiling(Bytes);

    /// <summary>What the gate does not let through: 5 % and one byte more than the baseline, or 5 % and 16 bytes more
    /// where the whole process is counted.</summary>
    internal double Limit(double baselineBytes) =>
        (baselineBytes * (1 + GrowthMax)) + (SpansThreads ? ProcessBytes : NothingBytes);

    /// <summary>True if this is more than the baseline allows.</summary>
    internal bool Exceeds(double baselineBytes) => Bytes >= Limit(baselineBytes);
}
