using System.Numerics;

namespace Countersign.Policy;

/// <summary>A snapshot's group names, numbered.</summary>
internal sealed class GroupIndex
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);

    /// <summary>Numbers any new names. All sets are made after all names are numbered.</summary>
    public void Add(IReadOnlyList<string> groups)
    {
        foreach (string group in groups) _numbers.TryAdd(group, _numbers.Count);
    }

    /// <summary>The numbered ones among <paramref name="groups"/>; the policy speaks of no others.</summary>
    public GroupSet SetOf(IReadOnlyList<string> groups)
    {
        ulong[] words = new ulong[(_numbers.Count + 63) / 64];
        foreach (string group in groups)
        {
            if (_numbers.TryGetValue(group, out int number)) words[number / 64] |= 1UL << (number % 64);
        }

        return new GroupSet(words);
    }
}

/// <summary>A set of a snapshot's groups; comparable only with sets of the same snapshot. Default is empty.</summary>
internal readonly struct GroupSet(ulong[] words)
{
    private readonly ulong[]? _words = words;

    public bool Meets(GroupSet other) => CountShared(other) > 0;

    public int CountShared(GroupSet other)
    {
        ReadOnlySpan<ulong> left = _words;
        ReadOnlySpan<ulong> right = other._words;
        int shared = 0;
        for (int index = 0; index < left.Length && index < right.Length; index++)
        {
            shared += BitOperations.PopCount(left[index] & right[index]);
        }

        return shared;
    }
}
