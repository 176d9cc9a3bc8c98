using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Countersign.Identity.Inbound.Saml;

/// <summary>One provider: its pinned keys, or those of its metadata, which is looked at again now and then. Metadata
/// that
/// cannot be had leaves the last in force, for a day.</summary>
internal sealed class SamlProvider
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan GoodFor = TimeSpan.FromHours(24);
    private static readonly TimeSpan FetchWithin = TimeSpan.FromSeconds(5);

    private readonly KeyDocuments? _documents;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly IReadOnlyList<AsymmetricAlgorithm> _pinned;
    private SamlProviderFacts? _facts;
    private DateTimeOffset _goodUntil = DateTimeOffset.MinValue;

    /// <exception cref="ArgumentException">A file of it cannot be used.</exception>
    public SamlProvider(SamlProviderOptions options, HttpMessageInvoker http, TimeProvider clock, ILogger logger)
    {
        Options = options;
        _clock = clock;
        _logger = logger;
        _pinned = [.. options.CertificateFiles.SelectMany(SamlKeys.ReadCertificates)];
        if (options.Metadata is not { } place) return;
        if (place.Contains("://", StringComparison.Ordinal))
        {
            _documents = new KeyDocuments(http, SamlMetadata.BytesMax, "application/samlmetadata+xml");
            return;
        }

        _facts = SamlMetadata.Read(ReadFile(place), options.Mapping.Issuer, clock.GetUtcNow(), out string because)
            ?? throw new ArgumentException($"the metadata '{place}' cannot be used: {because}");
        _goodUntil = DateTimeOffset.MaxValue;
    }

    public SamlProviderOptions Options { get; }

    /// <summary>The keys that count now; none while its metadata was never had, or is too old.</summary>
    public IReadOnlyList<AsymmetricAlgorithm> Keys => _pinned.Count > 0 ? _pinned : Facts?.Keys ?? [];

    /// <summary>Where people are sent; null while nobody knows.</summary>
    public string? SignInUrl => Options.SignInUrl ?? Facts?.SignInUrl;

    /// <summary>True once it can be used.</summary>
    public bool IsKnown => Keys.Count > 0;

    private SamlProviderFacts? Facts => _clock.GetUtcNow() < _goodUntil ? Volatile.Read(ref _facts) : null;

    /// <summary>Looks at the metadata on and on; ends at once for one that has none to fetch.</summary>
    public async Task KeepFreshAsync(CancellationToken stopping)
    {
        if (_documents is null) return;
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                bool isFresh = await FetchAsync(stopping).ConfigureAwait(false);
                await Task.Delay(isFresh ? FreshFor : RetryAfter, _clock, stopping).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // It stops.
        }
    }

    /// <summary>Fetches it once; false where that failed.</summary>
    public async Task<bool> FetchAsync(CancellationToken stopping)
    {
        if (_documents is null) return true;
        using CancellationTokenSource late = new(FetchWithin, _clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stopping);
        try
        {
            string text = await _documents.GetDocumentAsync(Options.Metadata!, either.Token).ConfigureAwait(false);
            DateTimeOffset now = _clock.GetUtcNow();
            SamlProviderFacts? read = SamlMetadata.Read(
                Encoding.UTF8.GetBytes(text), Options.Mapping.Issuer, now, out string because);
            if (read is null)
            {
                SamlLog.MetadataNotRead(_logger, Options.Mapping.Issuer, because);
                return false;
            }

            Volatile.Write(ref _facts, read);
            _goodUntil = now + GoodFor;
            return true;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException
            or DecoderFallbackException)
        {
            stopping.ThrowIfCancellationRequested();
            SamlLog.MetadataNotRead(_logger, Options.Mapping.Issuer, fault.Message);
            return false;
        }
    }

    private static byte[] ReadFile(string place)
    {
        try
        {
            return File.ReadAllBytes(place);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"the metadata '{place}' cannot be read: {fault.Message}", fault);
        }
    }
}

/// <summary>What SAML tells operators; never an assertion.</summary>
internal static partial class SamlLog
{
    [LoggerMessage(
        EventId = 30, Level = LogLevel.Warning, Message = "The SAML metadata of {Issuer} is not used: {Why}")]
    public static partial void MetadataNotRead(ILogger logger, string issuer, string why);
}
