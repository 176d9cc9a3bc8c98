using System.IO.Pipelines;
using System.Text;

namespace Countersign.Kit;

/// <summary>A client on an in-memory connection: sends exact bytes, reads what comes back.</summary>
internal sealed class MemoryClient(MemoryConnection connection, Task served)
{
    private readonly WireReader _reader = new(connection.FarInput);

    /// <summary>The connection, seen from outside.</summary>
    internal MemoryConnection Connection => connection;

    /// <summary>Completes once the gateway has let go of the connection.</summary>
    internal Task Served => served;

    /// <summary>Waits until the gateway has let go of the connection.</summary>
    internal Task ServedAsync() => served.WaitAsync(WireReader.HangGuard);

    /// <summary>Sends Latin-1 text as bytes.</summary>
    internal Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Sends bytes in one flush.</summary>
    internal async Task SendAsync(ReadOnlyMemory<byte> bytes) => await connection.FarOutput.WriteAsync(bytes);

    /// <summary>The next answer; interim ones count. Null if the connection ended first.</summary>
    internal Task<WireMessage?> ReadAsync(bool hasBody = true) => _reader.ReadAsync(isResponse: true, hasBody);

    /// <summary>Sends and reads one answer.</summary>
    internal async Task<WireMessage> CallAsync(string request, bool hasBody = true)
    {
        await SendAsync(request);
        return await ReadAsync(hasBody) ?? throw new InvalidDataException("the connection ended without an answer");
    }

    /// <summary>Waits until that many bytes of answer are there.</summary>
    internal Task WaitForAsync(int count) => _reader.WaitForAsync(count);

    /// <summary>Ends its side and reads everything that still comes.</summary>
    internal async Task<byte[]> ReadToEndAsync()
    {
        await connection.FarOutput.CompleteAsync();
        return await _reader.ReadToEndAsync();
    }

    /// <summary>Goes away.</summary>
    internal void Close() => connection.CloseFar();
}
