using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// The one credential that may be lent again to the same caller for the same low-risk function. Kept beside the
/// decision it rests on, so that it ends with the token's cache entry and with the policy version.
/// </summary>
internal sealed class LentCredentials
{
    private static readonly ConditionalWeakTable<Decision, LentCredentials> Kept = [];
    private Entry? _entry;

    /// <summary>The place for a decision's credential.</summary>
    [HotPath]
    internal static LentCredentials Of(Decision decision) => Kept.GetOrCreateValue(decision);

    /// <summary>Copies the kept credential, if it may still be lent.</summary>
    [HotPath]
    internal bool TryCopy(long now, LeasedBuffer destination, out string? id)
    {
        Entry? entry = Volatile.Read(ref _entry);
        id = entry?.Id;
        if (entry is null || now >= entry.Until) return false;
        WireText.Put(destination, entry.Bytes);
        return true;
    }

    /// <summary>Keeps a credential, whose <c>jti</c> is given, until then.</summary>
    internal void Keep(ReadOnlySpan<byte> credential, string id, long until) =>
        Volatile.Write(ref _entry, new Entry(credential.ToArray(), id, until));

    private sealed record Entry(byte[] Bytes, string Id, long Until);
}
