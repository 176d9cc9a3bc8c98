using System.Net.Security;
using Countersign.DataPlane.Tls;
using Countersign.DataPlane.Transport;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane;

/// <summary>
/// TLS for a listener that is another server's, by the rules of the data listener: the same files followed as they
/// change, certificates chosen by name, client certificates from the given roots alone. Thread-safe.
/// </summary>
public sealed class ServerTls : IDisposable
{
    private readonly DataTlsOptions _options;
    private readonly ServerCertificates _certificates;
    private readonly FilePoll _files;
    private readonly TimeProvider _clock;

    /// <summary>Loads the files and begins to follow them.</summary>
    /// <param name="options">Which, and whether clients show a certificate.</param>
    /// <param name="clock">When files are looked at, and chains checked.</param>
    /// <param name="logs">Hears of what changed, cannot be used, or expires.</param>
    /// <exception cref="IOException">Some cannot be used; the message names every error.</exception>
    public ServerTls(DataTlsOptions options, TimeProvider clock, ILoggerFactory logs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(logs);
        _options = options;
        _clock = clock;
        _certificates = new ServerCertificates(options, clock, logs.CreateLogger<ServerTls>());
        _files = new FilePoll([_certificates.Refresh], clock, logs.CreateLogger<ServerTls>());
    }

    /// <summary>What the next handshake uses.</summary>
    /// <param name="serverName">The host that the client names; empty for none.</param>
    public SslServerAuthenticationOptions OptionsFor(string serverName) =>
        ServerHandshake.OptionsFor(_options, _certificates.Current, serverName, _clock.GetUtcNow());

    /// <summary>Looks at the files now.</summary>
    public void Reload() => _files.Refresh();

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();
}
