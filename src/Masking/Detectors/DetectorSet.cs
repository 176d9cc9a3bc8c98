namespace Countersign.Masking.Detectors;

/// <summary>Kinds of sensitive text that are known by their form, whatever the name beside them.</summary>
[Flags]
public enum DetectorSet : uint
{
    /// <summary>Nothing is looked for.</summary>
    None = 0,

    /// <summary><c>payment-card</c>: 12 to 19 digits under a network's prefix with the check digit of
    /// ISO/IEC 7812.</summary>
    PaymentCard = 1,

    /// <summary><c>email</c>: an address whose domain has a dot.</summary>
    Email = 2,

    /// <summary><c>us-ssn</c>: a social security number, written with separators.</summary>
    UsSsn = 4,

    /// <summary><c>iban</c>: an account number of ISO 13616 with its country's length and check digits.</summary>
    Iban = 8,

    /// <summary><c>phone</c>: a number of ITU-T E.164, or in a common national form.</summary>
    Phone = 16,

    /// <summary><c>jwt</c>: a signed or encrypted token of RFC 7515 or RFC 7516 in its compact form.</summary>
    Jwt = 32,

    /// <summary><c>private-key</c>: a private key in the textual form of RFC 7468, or of OpenPGP.</summary>
    PrivateKey = 64,

    /// <summary><c>vendor-key</c>: a key whose form its vendor fixed.</summary>
    CloudKey = 128,

    /// <summary><c>basic-auth-url</c>: the user and password inside a URL.</summary>
    BasicAuthUrl = 256,

    /// <summary><c>high-entropy</c>: text that looks random, beside a name that tells of a secret.</summary>
    HighEntropy = 512,
}
