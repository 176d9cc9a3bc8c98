using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Countersign.DataPlane.Transport;

/// <summary>What a client gets that sends plain HTTP to a TLS port: an answer that it can read, and a close.</summary>
internal static class PlainHttp
{
    private const int DropBytesMax = 65_536;

    private static readonly byte[] Refusal = Write();

    /// <summary>
    /// Answers 400 and takes what was sent, so that closing does not reset the answer away. Ends when the client
    /// closes or <paramref name="stop"/> is cancelled, and the pending read with it.
    /// </summary>
    internal static async ValueTask RefuseAsync(ConnectionContext connection, CancellationToken stop)
    {
        PipeReader input = connection.Transport.Input;
        FlushResult sent = await connection.Transport.Output.WriteAsync(Refusal, CancellationToken.None);
        await connection.Transport.Output.CompleteAsync();
        long dropped = 0;
        while (!sent.IsCompleted && dropped < DropBytesMax && !stop.IsCancellationRequested)
        {
            ReadResult result = await input.ReadAsync(CancellationToken.None);
            dropped += result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return;
        }
    }

    private static byte[] Write()
    {
        const string Body = """
            {"type":"urn:countersign:malformed-request","title":"This port speaks TLS","status":400,
            """ + """
            "detail":"A plain HTTP request was sent to a TLS port; use https."}
            """;
        return Encoding.ASCII.GetBytes(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
            + $"Content-Length: {Body.Length}\r\nConnection: close\r\n\r\n{Body}");
    }
}
