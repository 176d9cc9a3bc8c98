namespace Countersign.Policy.Approvals;

/// <summary>The words for states and kinds, as the store and the APIs write them.</summary>
public static class ApprovalStates
{
    private static readonly string[] Names =
    [
        "", "pending", "approved", "claimed", "executed", "failed", "unknown", "denied", "expired", "cancelled",
        "revoked",
    ];

    /// <summary>The state's name, <c>pending</c>; empty for none.</summary>
    public static string NameOf(ApprovalState state) => (int)state < Names.Length ? Names[(int)state] : "";

    /// <summary>The state of that name, compared exactly; none for any other word.</summary>
    public static ApprovalState Named(string? name)
    {
        int index = string.IsNullOrEmpty(name) ? -1 : Array.IndexOf(Names, name);
        return index > 0 ? (ApprovalState)index : ApprovalState.None;
    }
}
