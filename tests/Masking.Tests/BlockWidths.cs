namespace Countersign.Masking.Tests;

/// <summary>The widths of blocks, for theories; those that the machine has not are read by a narrower one.</summary>
public static class BlockWidths
{
    public static TheoryData<byte> All => [.. Enum.GetValues<BlockWidth>().Select(width => (byte)width)];
}
