using System.Buffers;
using System.IO.Compression;
using System.Text;
using Countersign.Masking.Content;

namespace Countersign.Masking.Tests.Content;

public sealed class ContentDecoderTests
{
    private static readonly ContentCoding[] All =
        [ContentCoding.Gzip, ContentCoding.Brotli, ContentCoding.Deflate, ContentCoding.Zstd];

    [Theory]
    [MemberData(nameof(Codings))]
    public void Gives_back_what_was_encoded_in_any_chunks(byte coding)
    {
        // Proves over random bodies of all kinds and sizes that our encoder and decoder are inverse, one decoder for
        // all of them, byte by byte, in chunks and whole.
        using ContentDecoder decoder = new DecoderPool(1).Rent((ContentCoding)coding);
        for (int seed = 1; seed <= 60; seed++)
        {
            byte[] body = RandomBytes(new Random(seed));
            byte[] encoded = Encode((ContentCoding)coding, body, seed * 997);
            foreach (int size in new[] { 1, 7 + seed, 4_096, encoded.Length + 1 })
            {
                var decoded = DecodedBytes.Decode(decoder, encoded, size);
                Assert.Equal((MaskStatus.Done, ""), (decoded.Status, decoded.Because));
                Assert.True(body.AsSpan().SequenceEqual(decoded.Bytes), $"seed {seed}, chunks of {size}");
            }
        }
    }

    [Fact]
    public void Inflates_what_the_runtime_deflates_at_every_level()
    {
        // Proves the inflater against the runtime's compressor at each level, for gzip, zlib and bare data: stored,
        // fixed and dynamic blocks.
        using var gzip = new GzipDecoder();
        using var deflate = new DeflateDecoder();
        for (int seed = 1; seed <= 80; seed++)
        {
            byte[] body = RandomBytes(new Random(seed));
            foreach (CompressionLevel level in Enum.GetValues<CompressionLevel>())
            {
                (ContentDecoder Decoder, Func<Stream, Stream> Encoder)[] kinds =
                [
                    (gzip, sink => new GZipStream(sink, level, true)),
                    (deflate, sink => new ZLibStream(sink, level, true)),
                    (deflate, sink => new DeflateStream(sink, level, true)),
                ];
                foreach ((ContentDecoder decoder, Func<Stream, Stream> encoder) in kinds)
                {
                    byte[] encoded = Encode(encoder, body);
                    foreach (int size in new[] { 3, encoded.Length + 1 })
                    {
                        var decoded = DecodedBytes.Decode(decoder, encoded, size);
                        Assert.Equal((MaskStatus.Done, ""), (decoded.Status, decoded.Because));
                        Assert.True(body.AsSpan().SequenceEqual(decoded.Bytes), $"seed {seed}, {level}, {size}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Codings))]
    public void Refuses_what_is_cut_or_followed_by_anything(byte coding)
    {
        // Proves at every length that a body without its end is refused, and that one with bytes after it is.
        using ContentDecoder decoder = new DecoderPool(1).Rent((ContentCoding)coding);
        byte[] encoded = Encode((ContentCoding)coding, Encoding.ASCII.GetBytes(string.Concat(
            Enumerable.Range(0, 400).Select(number => "{\"id\":" + number + "},"))), 300);
        for (int length = 1; length < encoded.Length; length++)
        {
            var cut = DecodedBytes.Decode(decoder, encoded[..length], 64);
            Assert.Equal((length, MaskStatus.Refused), (length, cut.Status));
        }

        foreach (byte[] tail in new byte[][] { [0], [1, 2, 3], [0x1F], "garbage"u8.ToArray() })
        {
            foreach (int size in new[] { 1, 4_096 })
            {
                var followed = DecodedBytes.Decode(decoder, [.. encoded, .. tail], size);
                Assert.Equal(MaskStatus.Refused, followed.Status);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Codings))]
    public void Takes_damage_for_what_it_is(byte coding)
    {
        // Proves over bodies with bits turned that no damage crashes or hangs a decoder, that all chunks say the same,
        // and that with a checksum nothing but the body is ever taken for it.
        using ContentDecoder decoder = new DecoderPool(1).Rent((ContentCoding)coding);
        bool hasChecksum = (ContentCoding)coding is ContentCoding.Gzip or ContentCoding.Deflate;
        int refused = 0;
        for (int seed = 1; seed <= 400; seed++)
        {
            var random = new Random(seed);
            byte[] body = RandomBytes(random);
            byte[] encoded = Encode((ContentCoding)coding, body, 500);
            if (encoded.Length == 0) continue;
            for (int turned = random.Next(1, 4); turned > 0; turned--)
                encoded[random.Next(encoded.Length)] ^= (byte)(1 << random.Next(8));
            var whole = DecodedBytes.Decode(decoder, encoded, encoded.Length);
            var pieces = DecodedBytes.Decode(decoder, encoded, random.Next(1, 50));
            Assert.Equal((seed, whole.Status), (seed, pieces.Status));
            if (whole.Status == MaskStatus.Done && hasChecksum) Assert.Equal(body, whole.Bytes);
            if (whole.Status == MaskStatus.Refused) refused++;
        }

        Assert.True(refused > 100, "too little was refused to prove anything: " + refused);
    }

    [Theory]
    [MemberData(nameof(Codings))]
    public void Refuses_a_bomb_early(byte coding)
    {
        // Proves that 64 MiB of zeros stop at the ratio, long before they are there, and a fair body at the size limit.
        using ContentDecoder decoder = new DecoderPool(1).Rent((ContentCoding)coding);
        byte[] bomb = Encode((ContentCoding)coding, new byte[1 << 26], 1 << 20);
        var exploded = DecodedBytes.Decode(decoder, bomb, 512);
        Assert.Equal(MaskStatus.Refused, exploded.Status);
        Assert.Equal("the encoded body grows beyond the ratio", exploded.Because);
        Assert.True(exploded.Bytes.Length <= ContentLimits.RatioFreeBytes + (bomb.Length * ContentLimits.RatioMax));
        byte[] fair = Encode((ContentCoding)coding, RandomBytes(new Random(3), 9_000), 9_000);
        var large = DecodedBytes.Decode(decoder, fair, 512, bytesMax: 8_999);
        Assert.Equal("the decoded body is larger than the limit", large.Because);
        Assert.Equal(MaskStatus.Done, DecodedBytes.Decode(decoder, fair, 512, bytesMax: 9_000).Status);
    }

    [Fact]
    public void Takes_members_and_heads_of_gzip()
    {
        // Proves RFC 1952's optional parts of a head, several members, and that a wrong checksum or flag is refused.
        using var decoder = new GzipDecoder();
        byte[] plain = Encode(sink => new GZipStream(sink, CompressionLevel.Optimal, true), "ab"u8.ToArray());
        byte[] head = [0x1F, 0x8B, 8, 0x1E, 0, 0, 0, 0, 0, 3, 2, 0, 7, 7, .. "name\0comment\0"u8];
        ushort checksum = (ushort)Crc32.Append(0, head);
        byte[] full = [.. head, (byte)checksum, (byte)(checksum >> 8), .. plain[10..]];
        Assert.Equal("ab", Text(DecodedBytes.Decode(decoder, full, 1)));
        Assert.Equal("ababab", Text(DecodedBytes.Decode(decoder, [.. plain, .. full, .. plain], 5)));
        full[head.Length] ^= 1;
        Assert.Equal(MaskStatus.Refused, DecodedBytes.Decode(decoder, full, 1).Status);
        byte[] reserved = [.. plain];
        reserved[3] = 0x20;
        Assert.Equal(MaskStatus.Refused, DecodedBytes.Decode(decoder, reserved, 100).Status);
        byte[] wrong = [.. plain];
        wrong[^1] ^= 1;
        Assert.Equal(MaskStatus.Refused, DecodedBytes.Decode(decoder, wrong, 100).Status);
    }

    [Fact]
    public void Takes_frames_of_zstd_but_no_large_window()
    {
        // Proves that frames and skippable frames follow one another, and that a window beyond 8 MiB is refused.
        using var decoder = new ZstdContentDecoder();
        byte[] frame = Encode(ContentCoding.Zstd, "ab"u8.ToArray(), 2);
        byte[] skippable = [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 1, 2];
        Assert.Equal("abab", Text(DecodedBytes.Decode(decoder, [.. frame, .. skippable, .. frame], 3)));
        byte[] large = [0x28, 0xB5, 0x2F, 0xFD, 0, 14 << 3, 1, 0, 0];
        Assert.Equal(MaskStatus.Refused, DecodedBytes.Decode(decoder, large, 100).Status);
    }

    [Theory]
    [InlineData("", 0, "")]
    [InlineData("gzip", 1, "Gzip")]
    [InlineData("GZIP , br", 2, "Gzip Brotli")]
    [InlineData("identity, zstd", 1, "Zstd")]
    [InlineData("x-gzip,deflate", 2, "Gzip Deflate")]
    public void Reads_lists_of_codings(string field, int count, string names)
    {
        // Proves the order, the spellings, and that identity says nothing.
        var codings = new ContentCoding[ContentLimits.CodingsMax];
        Assert.True(ContentCodings.TryRead(Encoding.ASCII.GetBytes(field), codings, out int read));
        Assert.Equal((count, names), (read, string.Join(' ', codings[..read])));
    }

    [Theory]
    [InlineData("compress")]
    [InlineData("gzip,")]
    [InlineData("gzip br")]
    [InlineData("gzip,br,zstd")]
    public void Refuses_codings_it_cannot_read(string field)
    {
        // Proves that an unknown, missing or third coding is not passed over.
        Assert.False(ContentCodings.TryRead(Encoding.ASCII.GetBytes(field), new ContentCoding[2], out _));
    }

    [Fact]
    public void Warm_decoders_allocate_what_is_said()
    {
        // Proves that a kept decoder of gzip, zlib or Zstandard allocates nothing for a body, and one of Brotli less
        // than 200 bytes.
        foreach (ContentCoding coding in All)
        {
            using ContentDecoder decoder = new DecoderPool(1).Rent(coding);
            byte[] encoded = Encode(coding, RandomBytes(new Random(5), 20_000), 20_000);
            var sink = new Nothing();
            for (int warm = 0; warm < 50; warm++) Run(decoder, encoded, sink);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int turn = 0; turn < 100; turn++) Run(decoder, encoded, sink);
            long each = (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
            Assert.True(each <= (coding == ContentCoding.Brotli ? 200 : 0), coding + " allocates " + each);
        }
    }

    public static TheoryData<byte> Codings() => [.. All.Select(coding => (byte)coding)];

    private static string Text((MaskStatus Status, string Because, byte[] Bytes) decoded)
    {
        Assert.Equal(MaskStatus.Done, decoded.Status);
        return Encoding.ASCII.GetString(decoded.Bytes);
    }

    private static void Run(ContentDecoder decoder, byte[] encoded, Nothing sink)
    {
        decoder.Reset(1 << 30);
        decoder.Write(encoded, sink);
        if (decoder.Finish() != MaskStatus.Done) Assert.Fail(decoder.RefusedBecause);
    }

    private static byte[] Encode(ContentCoding coding, byte[] body, int chunk)
    {
        using ContentEncoder encoder = ContentEncoder.Of(coding);
        var output = new ArrayBufferWriter<byte>();
        for (int place = 0; place < body.Length; place += chunk)
            encoder.Write(body.AsSpan(place, Math.Min(chunk, body.Length - place)), output);
        encoder.Finish(output);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Encode(Func<Stream, Stream> encoder, byte[] body)
    {
        var sink = new MemoryStream();
        using (Stream stream = encoder(sink)) stream.Write(body);
        return sink.ToArray();
    }

    private static byte[] RandomBytes(Random random, int length = -1)
    {
        byte[] bytes = new byte[length >= 0 ? length : random.Next(4) == 0 ? random.Next(200_000) : random.Next(3_000)];
        int alphabet = new[] { 2, 4, 30, 256 }[random.Next(4)];
        int place = 0;
        while (place < bytes.Length)
        {
            int run = Math.Min(random.Next(1, 300), bytes.Length - place);
            if (place > 0 && random.Next(3) == 0)
            {
                int from = random.Next(place);
                for (int copied = 0; copied < run; copied++) bytes[place + copied] = bytes[from + copied];
            }
            else
            {
                for (int fresh = 0; fresh < run; fresh++) bytes[place + fresh] = (byte)random.Next(alphabet);
            }

            place += run;
        }

        return bytes;
    }

    private sealed class Nothing : IDecodedSink
    {
        public bool TryTake(ReadOnlySpan<byte> bytes) => true;
    }
}
