using System.Buffers;
using Countersign.DataPlane.Http;

namespace Countersign.Bench.Operations;

/// <summary>A request head as a browser or an agent sends it: found in the pipe's buffer, loaded and parsed.</summary>
internal sealed class RequestHeadParse : InlineOperation
{
    private static readonly HeadBounds Bounds = new(TargetBytesMax: 8_192, FieldsMax: 100);

    private readonly ReadOnlySequence<byte> _bytes = new(Wire.RequestHead);
    private readonly RequestHead _head = new();

    protected override void Run()
    {
        _head.Clear();
        HeadReader reader = default;
        Require(reader.TryLoad(_bytes, _head, 32_768, out _, out _) == ParseStatus.Complete);
        Require(RequestParser.Parse(_head, Bounds) == HttpFault.None);
    }
}

/// <summary>A response head as an API server sends it.</summary>
internal sealed class ResponseHeadParse : InlineOperation
{
    private readonly ReadOnlySequence<byte> _bytes = new(Wire.ResponseHead);
    private readonly ResponseHead _head = new();

    protected override void Run()
    {
        _head.Clear();
        HeadReader reader = default;
        Require(reader.TryLoad(_bytes, _head, 32_768, out _, out _) == ParseStatus.Complete);
        Require(ResponseParser.TryParse(_head, answersHead: false, fieldsMax: 100) && _head.Status == 200);
    }
}

/// <summary>4 KiB of body in four chunks, with an extension and a trailer.</summary>
internal sealed class ChunkedDecode : InlineOperation
{
    private readonly byte[] _bytes = Wire.Chunked(chunks: 4, chunkBytes: 1_024);

    protected override void Run()
    {
        ChunkedDecoder decoder = new(ChunkBounds.Usual);
        ReadOnlySpan<byte> rest = _bytes;
        ParseStatus status = ParseStatus.NeedMore;
        int total = 0;
        while (status == ParseStatus.NeedMore && !rest.IsEmpty)
        {
            status = decoder.Read(rest, out int consumed, out _, out int dataBytes);
            total += dataBytes;
            rest = rest[consumed..];
        }

        Require(status == ParseStatus.Complete && total == 4 * 1_024);
    }
}
