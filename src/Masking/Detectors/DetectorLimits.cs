namespace Countersign.Masking.Detectors;

/// <summary>How far detectors look, in bytes. A text that streams is held back no further.</summary>
internal static class DetectorLimits
{
    /// <summary>Bytes of the longest detection: a 16,384-bit RSA key in PEM has 12.7 KB, and servers take heads, in
    /// which tokens travel, of 8 to 16 KiB. A private key that goes on behind these is dropped, not held.</summary>
    public const int DetectionBytesMax = 16_384;

    /// <summary>Bytes before a detection on which it can depend: an access key's id, the gap, and the byte
    /// before.</summary>
    public const int BytesBehindMax = 192;

    /// <summary>Bytes by which a detection may start before the byte that gives it away: the local part of an
    /// e-mail address (RFC 5321 section 4.5.3.1.1).</summary>
    public const int LocalPartMax = 64;

    /// <summary>Bytes of a domain name (RFC 1035 section 2.3.4).</summary>
    public const int DomainMax = 253;

    /// <summary>Characters of the first part of a token: headers that carry a certificate chain are not seen.</summary>
    public const int TokenHeaderMax = 4_096;

    /// <summary>Bytes of the part of a URL between its scheme and its path.</summary>
    public const int AuthorityMax = 512;

    /// <summary>Zeros behind the point of a card's number: decimals of databases have up to 38 digits.</summary>
    public const int FractionMax = 32;

    /// <summary>Bytes between an access key's id and the secret that belongs to it.</summary>
    public const int SecretGapMax = 128;

    /// <summary>Bytes of a secret that is known by its entropy.</summary>
    public const int SecretMin = 8;

    /// <summary>Beyond this it is no secret but a document.</summary>
    public const int SecretMax = 512;

    /// <summary>Bytes of a whole value beside a telling name in which secrets are looked for.</summary>
    public const int TellingValueMax = 1_024;

    /// <summary>Bytes of a name before <c>=</c> or <c>:</c>.</summary>
    public const int NameMax = 64;
}
