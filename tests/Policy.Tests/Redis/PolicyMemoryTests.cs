using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.Policy.Tests.Redis;

public sealed class PolicyMemoryTests : IDisposable
{
    private static readonly PolicyMark Seven = new(7, new string('a', 64), 3, 4, new string('b', 64));

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-memory-").FullName;

    private string Kept => Path.Combine(_folder, "deeper", "seen.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_seen_is_known_after_a_restart()
    {
        // Proves the file; by opening it again, and by a folder that is not there yet.
        PolicyMemory memory = PolicyMemory.Open(Kept, NullLogger.Instance);
        Assert.Equal(PolicyMark.None, memory.Furthest);
        memory.Remember(Seven);
        Assert.True(memory.IsKept);
        Assert.Equal(Seven, PolicyMemory.Open(Kept, NullLogger.Instance).Furthest);
        Assert.Equal([Kept], Directory.GetFiles(Path.GetDirectoryName(Kept)!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"change":7,"hash":"short","current":3,"latest":4,"sha256":""}""")]
    [InlineData("not json")]
    public void What_cannot_be_read_is_not_taken_for_nothing(string text)
    {
        // Proves the refusal; by files that are cut, empty or of another hand.
        string file = Path.Combine(_folder, "seen.json");
        File.WriteAllText(file, text);
        InvalidDataException refused = Assert.Throws<InvalidDataException>(
            () => PolicyMemory.Open(file, NullLogger.Instance));
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_written_is_told_and_tried_again()
    {
        // Proves the alarm; by a folder in the file's place, which then goes away.
        string file = Path.Combine(_folder, "seen.json");
        PolicyMemory memory = PolicyMemory.Open(file, NullLogger.Instance);
        Directory.CreateDirectory(file);
        memory.Remember(Seven);
        Assert.Equal((Seven, false), (memory.Furthest, memory.IsKept));
        Directory.Delete(file);
        memory.Remember(Seven);
        Assert.True(memory.IsKept);
        Assert.Equal(Seven, PolicyMemory.Open(file, NullLogger.Instance).Furthest);
    }
}
