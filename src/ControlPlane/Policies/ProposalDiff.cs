using System.Text.Json;
using Countersign.Policy.Review;

namespace Countersign.ControlPlane.Policies;

/// <summary>What a change of policy means, for who approves it.</summary>
internal static class ProposalDiff
{
    /// <summary>Writes the difference between two documents that compile here; null where one does not.</summary>
    public static void Write(Utf8JsonWriter json, string before, string after)
    {
        Countersign.Policy.PolicyReading old = PolicyCheck.Read(before), now = PolicyCheck.Read(after);
        if (old.Snapshot is null || now.Snapshot is null) json.WriteNullValue();
        else PolicyDiffText.Write(json, PolicyDiff.Between(old, now));
    }
}
