using System.Net.Sockets;

namespace Countersign.DataPlane.Tls;

/// <summary>
/// TLS failed behind the handshake: by an alert of the peer's, or by bytes that are no TLS. Under TLS 1.3 a server that
/// refuses a client's certificate, or misses one, says so only here. An <see cref="IOException"/>, as any end of a
/// connection.
/// </summary>
internal sealed class TlsFailedException(Exception fault) : IOException(Explain(fault), fault)
{
    /// <summary>True for what the stream throws at bytes; false for what the connection beneath does.</summary>
    internal static bool Is(IOException fault) => fault.GetType() == typeof(IOException)
        && fault.InnerException is not (null or IOException or SocketException or OperationCanceledException
            or InvalidOperationException);

    /// <summary>What went wrong: the alert's name where there was one, else the library's words.</summary>
    internal static string Explain(Exception fault)
    {
        // "error:0A00045C:SSL routines::tlsv13 alert certificate required"
        const string Mark = " alert ";
        string words = fault.GetBaseException().Message;
        int at = words.LastIndexOf(Mark, StringComparison.Ordinal);
        return at < 0 ? words : "alert " + words[(at + Mark.Length)..].Replace(' ', '_');
    }
}
