namespace Countersign.Identity.Inbound;

/// <summary>What a sender proved beside showing a token. Zero proved nothing.</summary>
/// <param name="Certificate">SHA-256 of the client's verified certificate; empty without one.</param>
/// <param name="Key">SHA-256 thumbprint of the key of a DPoP proof that was checked; empty without one.</param>
public readonly record struct SenderProof(ReadOnlyMemory<byte> Certificate, ReadOnlyMemory<byte> Key);
