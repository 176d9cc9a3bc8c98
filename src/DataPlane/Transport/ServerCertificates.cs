using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Countersign.DataPlane.Tls;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Transport;

/// <summary>
/// The listener's certificates, followed as their files change. Connections keep what they began with; handshakes take
/// what is newest. Files that cannot be used are said loudly, and the last good ones stay.
/// </summary>
internal sealed partial class ServerCertificates
{
    private static readonly TimeSpan WarnBefore = TimeSpan.FromDays(14);
    private static readonly TimeSpan WarnEvery = TimeSpan.FromDays(1);

    private readonly FileWatch<ServerTrust> _files;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private DateTimeOffset _warnNext;

    /// <summary>Loads them.</summary>
    /// <exception cref="IOException">Some cannot be used; the message names every error.</exception>
    internal ServerCertificates(DataTlsOptions options, TimeProvider clock, ILogger log)
    {
        _clock = clock;
        _log = log;
        _files = new FileWatch<ServerTrust>(ServerTrust.FilesOf(options), () => ServerTrust.Load(options));
        if (_files.Current is null) throw new IOException(string.Join("; ", _files.Errors));
        WarnOfExpiry(clock.GetUtcNow());
    }

    /// <summary>What the next handshake uses.</summary>
    internal ServerTrust Current => _files.Current!;

    /// <summary>Takes what changed; called by one thread at a time.</summary>
    internal void Refresh()
    {
        FileNews news = _files.Refresh();
        if (news == FileNews.Loaded) LogLoaded(_log, Current.Certificates.Count);
        if (news == FileNews.Refused) LogRefused(_log, string.Join("; ", _files.Errors));
        DateTimeOffset now = _clock.GetUtcNow();
        if (news == FileNews.Loaded || now >= _warnNext) WarnOfExpiry(now);
    }

    private void WarnOfExpiry(DateTimeOffset now)
    {
        _warnNext = now + WarnEvery;
        foreach (var context in Current.Certificates)
        {
            X509Certificate2 certificate = context.TargetCertificate;
            DateTimeOffset end = certificate.NotAfter;
            if (end - now > WarnBefore) continue;
            string at = end.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture);
            if (end <= now) LogExpired(_log, certificate.Subject, at);
            else LogExpiring(_log, certificate.Subject, at);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "New TLS certificates are in use: {Count}")]
    private static partial void LogLoaded(ILogger log, int count);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The TLS files have changed and cannot be used, so the old ones stay: {Errors}")]
    private static partial void LogRefused(ILogger log, string errors);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The TLS certificate of {Subject} expires at {At}")]
    private static partial void LogExpiring(ILogger log, string subject, string at);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The TLS certificate of {Subject} has expired at {At}; clients will refuse it")]
    private static partial void LogExpired(ILogger log, string subject, string at);
}
