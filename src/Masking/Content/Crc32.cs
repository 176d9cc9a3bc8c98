using System.Buffers.Binary;

namespace Countersign.Masking.Content;

/// <summary>The checksum of gzip (RFC 1952 section 8), eight bytes at a time by eight tables.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    private static readonly uint[] Tables = Make();

    /// <summary>The checksum of what <paramref name="crc"/> is of, zero for nothing, and then
    /// <paramref name="bytes"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint[] tables = Tables;
        crc = ~crc;
        while (bytes.Length >= 8)
        {
            uint low = crc ^ BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = tables[0x700 | (low & 0xFF)] ^ tables[0x600 | (low >> 8 & 0xFF)]
                ^ tables[0x500 | (low >> 16 & 0xFF)] ^ tables[0x400 | (low >> 24)]
                ^ tables[0x300 | (high & 0xFF)] ^ tables[0x200 | (high >> 8 & 0xFF)]
                ^ tables[0x100 | (high >> 16 & 0xFF)] ^ tables[high >> 24];
            bytes = bytes[8..];
        }

        foreach (byte one in bytes) crc = tables[(crc ^ one) & 0xFF] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[] Make()
    {
        uint[] tables = new uint[8 * 256];
        for (uint place = 0; place < 256; place++)
        {
            uint crc = place;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? Polynomial ^ (crc >> 1) : crc >> 1;
            tables[place] = crc;
        }

        for (int place = 256; place < tables.Length; place++)
        {
            uint before = tables[place - 256];
            tables[place] = tables[before & 0xFF] ^ (before >> 8);
        }

        return tables;
    }
}
