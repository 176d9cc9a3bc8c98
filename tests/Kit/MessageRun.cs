using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Countersign.DataPlane.Http;

namespace Countersign.Kit;

/// <summary>
/// Reads messages as a connection does, from a pipe that gets its bytes in two writes, and tells what came of it as
/// text, so
/// that runs can be compared.
/// </summary>
internal static class MessageRun
{
    internal static readonly HeadBounds Bounds = new(TargetBytesMax: 8_192, FieldsMax: 100);
    private const int HeadBytesMax = 32_768;

    /// <summary>The outcome when the bytes arrive in two writes, cut at <paramref name="split"/>.</summary>
    internal static async Task<string> RunAsync(byte[] bytes, int split, bool isRequest, bool answersHead = false)
    {
        Pipe pipe = new(new PipeOptions(
            readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
            pauseWriterThreshold: 0, minimumSegmentSize: 16, useSynchronizationContext: false));
        Task<string> reading = ReadAllAsync(pipe.Reader, isRequest, answersHead);
        await pipe.Writer.WriteAsync(bytes.AsMemory(0, split));
        await pipe.Writer.WriteAsync(bytes.AsMemory(split));
        await pipe.Writer.CompleteAsync();
        return await reading;
    }

    /// <summary>The outcome, after proving that it is the same for every split.</summary>
    internal static async Task<string> AtEverySplitAsync(byte[] bytes, bool isRequest, bool answersHead = false)
    {
        string whole = await RunAsync(bytes, 0, isRequest, answersHead);
        for (int split = 1; split < bytes.Length; split++)
        {
            string parts = await RunAsync(bytes, split, isRequest, answersHead);
            if (whole != parts) throw new InvalidDataException($"split at {split}: '{parts}', whole: '{whole}'");
        }

        return whole;
    }

    private static async Task<string> ReadAllAsync(PipeReader input, bool isRequest, bool answersHead)
    {
        StringBuilder told = new();
        MessageHead head = isRequest ? new RequestHead() : new ResponseHead();
        BodyReader body = new(input, new Deadline(TimeProvider.System));
        while (true)
        {
            head.Clear();
            string fault = await ReadHeadAsync(input, head, answersHead);
            if (fault != "none") return told.Append(fault).ToString();
            told.Append('[').Append(Encoding.Latin1.GetString(head.Bytes[..head.Bytes.IndexOf((byte)'\r')]));
            body.Start(head.Framing, head.ContentLength, 1_000_000);
            BodyStatus status;
            StringBuilder text = new();
            while ((status = await body.ReadAsync()) == BodyStatus.Data) text.Append(Encoding.Latin1.GetString(
                body.Data));
            body.Release();
            told.Append('|').Append(text).Append('|').Append(status).Append(']');
            if (status != BodyStatus.End) return told.Append(status == BodyStatus.Malformed ? "malformed"
                : "incomplete").ToString();
        }
    }

    private static async Task<string> ReadHeadAsync(PipeReader input, MessageHead head, bool answersHead)
    {
        HeadReader reader = default;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            ParseStatus status = reader.TryLoad(result.Buffer, head, HeadBytesMax, out SequencePosition end,
                out bool isTooLarge);
            if (status == ParseStatus.NeedMore)
            {
                bool isEmpty = result.Buffer.IsEmpty;
                input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                if (result.IsCompleted) return isEmpty ? "end" : "incomplete";
                continue;
            }

            input.AdvanceTo(status == ParseStatus.Complete ? end : result.Buffer.End);
            if (status == ParseStatus.Invalid) return isTooLarge ? "head-too-large" : "malformed";
            if (head is RequestHead request) return NameOf(RequestParser.Parse(request, Bounds));
            return ResponseParser.TryParse((ResponseHead)head, answersHead, Bounds.FieldsMax) ? "none" : "malformed";
        }
    }

    private static string NameOf(HttpFault fault) => fault switch
    {
        HttpFault.None => "none",
        HttpFault.AmbiguousPath => "ambiguous-path",
        HttpFault.TargetTooLong => "target-too-long",
        HttpFault.HeadTooLarge => "head-too-large",
        HttpFault.UnknownExpectation => "expectation-failed",
        HttpFault.NotImplemented => "not-implemented",
        _ => "malformed",
    };
}
