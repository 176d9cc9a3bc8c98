namespace Countersign.Masking.Detectors;

/// <summary>What a value may be found to be. Flags, so that a mask names several.</summary>
[Flags]
public enum DetectorSet : uint
{
    /// <summary>Nothing is looked for.</summary>
    None = 0,

    /// <summary>A payment card's number (<c>payment-card</c>).</summary>
    PaymentCard = 1,

    /// <summary>An e-mail address (<c>email</c>).</summary>
    Email = 2,

    /// <summary>A social security number of the United States (<c>us-ssn</c>).</summary>
    UsSsn = 4,

    /// <summary>An international bank account number (<c>iban</c>).</summary>
    Iban = 8,

    /// <summary>A telephone number (<c>phone</c>).</summary>
    Phone = 16,

    /// <summary>A JSON Web Token (<c>jwt</c>).</summary>
    Jwt = 32,

    /// <summary>A private key in PEM (<c>private-key</c>).</summary>
    PrivateKey = 64,

    /// <summary>A key of a cloud or another vendor (<c>vendor-key</c>).</summary>
    CloudKey = 128,

    /// <summary>A URL with a user's name and password (<c>basic-auth-url</c>).</summary>
    BasicAuthUrl = 256,

    /// <summary>A random-looking secret under a telling name (<c>high-entropy</c>).</summary>
    HighEntropy = 512,
}
