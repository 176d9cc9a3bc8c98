using System.Globalization;

namespace Countersign.Fuzz;

/// <summary>
/// Runs one fuzzer from seeds that follow one another. The count is fixed, so that a run is the same everywhere, unless
/// FUZZ_SECONDS asks for more. A failure names its seed: put it in <c>First</c> to see it again.
/// </summary>
internal static class FuzzRun
{
    private const int First = 20_260_301;

    /// <summary>Runs <paramref name="once"/> that many times, or for FUZZ_SECONDS.</summary>
    internal static async Task ForSeedsAsync(int count, Func<Random, Task> once)
    {
        bool isTimed = int.TryParse(
            Environment.GetEnvironmentVariable("FUZZ_SECONDS"), NumberStyles.None, CultureInfo.InvariantCulture,
                out int seconds);
        long startedAt = TimeProvider.System.GetTimestamp();
        for (int seed = First; ; seed++)
        {
            bool isOver = isTimed
                ? TimeProvider.System.GetElapsedTime(startedAt).TotalSeconds >= seconds
                : seed - First >= count;
            if (isOver) return;
            try
            {
                await once(new Random(seed));
            }
            catch (Exception fault)
            {
                Assert.Fail($"seed {seed}: {fault}");
            }
        }
    }

    /// <summary>Changes, drops, doubles or inserts a few bytes.</summary>
    internal static byte[] Mutate(Random random, byte[] bytes)
    {
        List<byte> mutated = [.. bytes];
        ReadOnlySpan<byte> odd = "\r\n \t:;,\0\x7f%/\\.+-0xXfF\"'{}[]"u8;
        for (int change = random.Next(4); change > 0 && mutated.Count > 0; change--)
        {
            int at = random.Next(mutated.Count);
            byte one = random.Next(3) == 0 ? (byte)random.Next(256) : odd[random.Next(odd.Length)];
            switch (random.Next(4))
            {
                case 0: mutated[at] = one; break;
                case 1: mutated.RemoveAt(at); break;
                case 2: mutated.Insert(at, mutated[at]); break;
                default: mutated.Insert(at, one); break;
            }
        }

        return [.. mutated];
    }

    /// <summary>One of them.</summary>
    internal static T Pick<T>(Random random, params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];
}
