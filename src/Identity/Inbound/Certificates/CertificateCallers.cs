using System.Collections.Concurrent;
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Countersign.Policy;

namespace Countersign.Identity.Inbound.Certificates;

/// <summary>A caller who is known by the certificate of their connection.</summary>
public sealed class CertifiedCaller
{
    private readonly TokenMarks _marks;
    private readonly long _expiresAtMs;
    private RevocationIndex _judgedBy = RevocationIndex.Empty;
    private bool _isCovered;

    internal CertifiedCaller(Caller caller, TokenMarks marks, long expiresAtMs)
    {
        Caller = marks.Prove(caller);
        _marks = marks;
        _expiresAtMs = expiresAtMs;
    }

    /// <summary>Who calls.</summary>
    public Caller Caller { get; }

    internal TokenStatus Check(RevocationIndex revoked, long nowMs)
    {
        if (nowMs >= _expiresAtMs) return TokenStatus.Expired;

        // Looked at once for each list. Two threads may both do it: theirs say the same, and the list is written last.
        if (!ReferenceEquals(Volatile.Read(ref _judgedBy), revoked))
        {
            Volatile.Write(ref _isCovered, revoked.Covers(_marks));
            Volatile.Write(ref _judgedBy, revoked);
        }

        return Volatile.Read(ref _isCovered) ? TokenStatus.Revoked : TokenStatus.Valid;
    }
}

/// <summary>
/// Maps verified client certificates to callers by rules, of which the first that fits counts. Thread-safe.
/// </summary>
/// <param name="issuer">What the callers' issuer is called.</param>
/// <param name="rules">In order.</param>
/// <param name="aliases">The accounts of people who have several.</param>
public sealed class CertificateCallers(string issuer, IReadOnlyList<CertificateRule> rules, PersonAliases aliases)
{
    private const int KeptMax = 4_096;

    /// <summary>What the callers' issuer is called.</summary>
    public string Issuer => issuer;

    // The same certificate on many connections is one caller, as one token is.
    private readonly ConcurrentDictionary<TokenHash, CertifiedCaller> _kept = new();

    /// <summary>The caller; null where no rule fits.</summary>
    /// <param name="certificate">One that the TLS listener has verified.</param>
    public CertifiedCaller? Find(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        TokenHash thumbprint = TokenHash.Of(certificate.RawDataMemory.Span);
        if (_kept.TryGetValue(thumbprint, out CertifiedCaller? known)) return known;
        if (Map(certificate, thumbprint) is not { } found) return null;
        if (_kept.Count >= KeptMax) _kept.Clear();
        return _kept.GetOrAdd(thumbprint, found);
    }

    private CertifiedCaller? Map(X509Certificate2 certificate, TokenHash thumbprint)
    {
        ILookup<CertificateName, string> names = NamesOf(certificate);
        foreach (CertificateRule rule in rules)
        {
            string[] fitting = [.. names[rule.Name].Where(rule.Fits).Distinct(StringComparer.Ordinal)];

            // A certificate with two names that fit is two callers, and so none.
            if (fitting.Length > 1) return null;
            if (fitting.Length == 0 || !ClaimText.IsName(fitting[0])) continue;
            return Make(rule, fitting[0], certificate, thumbprint);
        }

        return null;
    }

    private CertifiedCaller Make(
        CertificateRule rule, string subject, X509Certificate2 certificate, TokenHash thumbprint)
    {
        List<string> chain = [];
        bool isPerson = rule.Kind is CallerKind.Human or CallerKind.Unstated;
        string? listed = aliases.PersonOf(issuer, subject);
        if (listed is not null || isPerson) chain.Add(listed ?? subject);
        foreach (string person in rule.Responsible) chain.Add(aliases.PersonOf(issuer, person) ?? person);
        DateTimeOffset begins = new(certificate.NotBefore.ToUniversalTime());
        Caller caller = new(
            issuer, subject, rule.Kind, rule.Groups, [.. chain.Distinct(StringComparer.OrdinalIgnoreCase)], rule.Tenant)
        {
            IssuedAt = begins.ToUnixTimeSeconds(),
        };
        TokenMarks marks = new(
            [thumbprint], issuer, certificate.SerialNumber, [new NamedSubject(issuer, subject)],
            begins.ToUnixTimeMilliseconds());
        DateTimeOffset ends = new(certificate.NotAfter.ToUniversalTime());
        return new CertifiedCaller(caller, marks, ends.ToUnixTimeMilliseconds());
    }

    private static ILookup<CertificateName, string> NamesOf(X509Certificate2 certificate)
    {
        List<(CertificateName Kind, string Name)> names = [(CertificateName.Subject, certificate.Subject)];
        foreach (X509Extension extension in certificate.Extensions)
        {
            if (extension.Oid?.Value == "2.5.29.17") ReadAlternatives(extension.RawData, names);
        }

        return names.ToLookup(pair => pair.Kind, pair => pair.Name);
    }

    // RFC 5280 section 4.2.1.6: GeneralNames, of which the three that are text are read.
    private static void ReadAlternatives(byte[] der, List<(CertificateName Kind, string Name)> names)
    {
        try
        {
            AsnReader list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            while (list.HasData)
            {
                Asn1Tag tag = list.PeekTag();
                CertificateName kind = (tag.TagClass, tag.TagValue) switch
                {
                    (TagClass.ContextSpecific, 1) => CertificateName.Email,
                    (TagClass.ContextSpecific, 2) => CertificateName.Dns,
                    (TagClass.ContextSpecific, 6) => CertificateName.Uri,
                    _ => CertificateName.None,
                };
                if (kind == CertificateName.None) list.ReadEncodedValue();
                else names.Add((kind, list.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
            }
        }
        catch (AsnContentException)
        {
            names.RemoveAll(pair => pair.Kind != CertificateName.Subject); // none that cannot be read whole
        }
    }
}
