using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Countersign.DataPlane.Calls;

/// <summary>A call's id as text. Part of its context, not an object of its own: thousands of connections have
/// one.</summary>
[InlineArray(36)]
internal struct IdBytes
{
    private byte _first;
}

/// <summary>A SHA-256, in the same way.</summary>
[InlineArray(SHA256.HashSizeInBytes)]
internal struct HashBytes
{
    private byte _first;
}
