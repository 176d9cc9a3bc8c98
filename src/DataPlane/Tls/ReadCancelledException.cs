namespace Countersign.DataPlane.Tls;

/// <summary>
/// Unwinds a read of TLS that was cancelled; the stream is sound and may be read again. An <see cref="IOException"/>,
/// since these pass through the stream as they are.
/// </summary>
internal sealed class ReadCancelledException() : IOException("The read was cancelled.");
