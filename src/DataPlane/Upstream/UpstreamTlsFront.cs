using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Countersign.DataPlane.Tls;
using Countersign.Policy;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Upstream;

/// <summary>How meeting an endpoint over TLS ended.</summary>
/// <param name="Connection">Verified and ready, or null.</param>
/// <param name="Refusal">Why not: a constant sentence for the caller; empty where there is a connection.</param>
internal readonly record struct UpstreamTlsOutcome(ConnectionContext? Connection, string Refusal);

/// <summary>
/// TLS as a client, over any connection to an upstream. TLS 1.2 and 1.3, ALPN <c>http/1.1</c>; the certificate is
/// always verified, and what fails is never called another way. Files are read once and followed as they change.
/// </summary>
internal sealed partial class UpstreamTlsFront(TimeProvider clock, ILogger log)
{
    private const string Unreadable = "The TLS files that the policy names for the function's upstream cannot be used.";
    private const string Untrusted = "The function's certificate does not lead to a root that is trusted for it.";
    private const string Misnamed = "The function's certificate does not name the host that was called.";
    private const string Outdated = "The function's certificate, or one that it leads to, is not valid at this time.";
    private const string Absent = "The function showed no certificate.";
    private const string Unfit = "The function's certificate is not one for servers, or is not sound.";
    private const string Broken = "The TLS handshake with the function failed.";
    private const string Behind = "The handshake was over.";
    private const string Late = "The TLS handshake with the function took too long.";

    // The last is what a root of a trusted name and another key gives.
    private const X509ChainStatusFlags Strange = X509ChainStatusFlags.UntrustedRoot
        | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid;

    /// <summary>What the caller is told where TLS fails behind the handshake, which is how a certificate of ours is
    /// refused under TLS 1.3.</summary>
    internal const string Refused = "TLS with the function failed before it answered.";

    private static readonly TimeSpan ForgetAfter = TimeSpan.FromHours(1);
    private static readonly Oid ServerPurpose = new("1.3.6.1.5.5.7.3.1");
    private static readonly List<SslApplicationProtocol> Http11 = [SslApplicationProtocol.Http11];
    private static readonly UpstreamTls Plain = new(null, null, null, null);

    private readonly ConcurrentDictionary<UpstreamTls, Followed> _followed = new();

    /// <summary>
    /// Authenticates as client. The connection beneath is disposed of where that fails, and owned by what is returned
    /// otherwise.
    /// </summary>
    /// <param name="connection">Open, nothing sent.</param>
    /// <param name="host">The endpoint's host.</param>
    /// <param name="terms">Whom to trust and what to show; null for the system's roots and nothing.</param>
    /// <param name="within">How long the handshake may take.</param>
    internal async ValueTask<UpstreamTlsOutcome> SecureAsync(
        ConnectionContext connection, string host, UpstreamTls? terms, TimeSpan within)
    {
        UpstreamTrust? trust = await FollowAsync(terms ?? Plain);
        using CancellationTokenSource timer = new(within, clock);
        using CancellationTokenRegistration stop = timer.Token.UnsafeRegister(
            static state =>
            {
                ConnectionContext late = (ConnectionContext)state!;
                late.Transport.Input.CancelPendingRead();
                late.Transport.Output.CancelPendingFlush();
            },
            connection);
        UpstreamTlsOutcome outcome = trust is null
            ? new(null, Unreadable)
            : await ShakeHandsAsync(connection, terms?.ServerName ?? host, trust, timer.Token);
        if (outcome.Connection is not null) return outcome;
        connection.Abort(new ConnectionAbortedException(outcome.Refusal));
        await connection.DisposeAsync();
        return outcome;
    }

    /// <summary>Takes files that changed, and forgets those that no upstream has used for an hour.</summary>
    internal void Refresh()
    {
        foreach ((UpstreamTls terms, Followed followed) in _followed)
        {
            if (clock.GetElapsedTime(followed.UsedAt) > ForgetAfter)
            {
                _followed.TryRemove(terms, out _);
                continue;
            }

            FileNews news = followed.Files.Refresh();
            if (news == FileNews.Loaded) LogLoaded(log);

            if (news == FileNews.Refused) LogUnusable(log, string.Join("; ", followed.Files.Errors));
        }
    }

    private ValueTask<UpstreamTrust?> FollowAsync(UpstreamTls terms)
    {
        if (!_followed.TryGetValue(terms, out Followed? followed)) return LoadAsync(terms);
        followed.UsedAt = clock.GetTimestamp();
        return new(followed.Files.Current);
    }

    // Off this thread, which serves other connections while the files are read.
    private async ValueTask<UpstreamTrust?> LoadAsync(UpstreamTls terms)
    {
        FileWatch<UpstreamTrust> files = await Task.Run(
            () => new FileWatch<UpstreamTrust>(UpstreamTrust.FilesOf(terms), () => UpstreamTrust.Load(terms)));
        Followed followed = _followed.GetOrAdd(terms, new Followed(files));
        followed.UsedAt = clock.GetTimestamp();
        if (followed.Files.Current is null) LogUnusable(log, string.Join("; ", followed.Files.Errors));
        return followed.Files.Current;
    }

    private async ValueTask<UpstreamTlsOutcome> ShakeHandsAsync(
        ConnectionContext connection, string name, UpstreamTrust trust, CancellationToken stop)
    {
        CipherStream cipher = new(connection.Transport.Input, connection.Transport.Output);
        SslStream tls = new(cipher, leaveInnerStreamOpen: true);
        string refusal = Broken;
        SslClientAuthenticationOptions client = new()
        {
            TargetHost = name,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = Http11,
            AllowRenegotiation = false,
            CertificateChainPolicy = PemFiles.ChainPolicy(trust.Roots, ServerPurpose, clock.GetUtcNow()),
            ClientCertificateContext = trust.Identity,
            RemoteCertificateValidationCallback = (_, _, chain, errors) =>
            {
                if (errors == SslPolicyErrors.None) return true;
                refusal = Explain(chain, errors);
                return false;
            },
        };
        try
        {
            await tls.AuthenticateAsClientAsync(client, stop);
            TlsConnection met = new(
                connection, tls, cipher, clock, because => LogFailed(log, name, Behind, because));
            return new(met, "");
        }
        catch (Exception fault)
        {
            // As with a client's bytes: whatever the stream throws at a peer's, this connection ends.
            if (stop.IsCancellationRequested) refusal = Late;
            LogFailed(log, name, refusal, TlsFailedException.Explain(fault));
            await tls.DisposeAsync();
            return new(null, refusal);
        }
    }

    // The gravest first: a certificate from nobody we trust says nothing, whatever else is wrong with it.
    private static string Explain(X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return Absent;
        X509ChainStatusFlags found = X509ChainStatusFlags.NoError;
        foreach (X509ChainStatus status in chain?.ChainStatus ?? []) found |= status.Status;
        if ((found & Strange) != 0) return Untrusted;
        if ((found & X509ChainStatusFlags.NotTimeValid) != 0) return Outdated;
        if (found != X509ChainStatusFlags.NoError) return Unfit;
        return errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? Misnamed : Unfit;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "TLS with upstream {Name} failed: {Refusal} ({Because})")]
    private static partial void LogFailed(ILogger log, string name, string refusal, string because);

    [LoggerMessage(Level = LogLevel.Information, Message = "New TLS files for an upstream are in use")]
    private static partial void LogLoaded(ILogger log);

    [LoggerMessage(Level = LogLevel.Error, Message = "TLS files for an upstream cannot be used: {Errors}")]
    private static partial void LogUnusable(ILogger log, string errors);

    private sealed class Followed(FileWatch<UpstreamTrust> files)
    {
        private long _usedAt;

        internal FileWatch<UpstreamTrust> Files => files;

        internal long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }
}
