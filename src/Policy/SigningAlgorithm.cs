namespace Countersign.Policy;

/// <summary>How a lent JWT is signed. Zero is no algorithm: nothing is signed with it.</summary>
public enum SigningAlgorithm : byte
{
    /// <summary>None; refused.</summary>
    None = 0,

    /// <summary>ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).</summary>
    Es256,

    /// <summary>EdDSA on Ed25519 (RFC 8037 section 3.1).</summary>
    EdDsa,
}
