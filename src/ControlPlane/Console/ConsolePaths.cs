namespace Countersign.ControlPlane.Console;

/// <summary>The console's own paths, and which of them may be returned to.</summary>
internal static class ConsolePaths
{
    public const string Inbox = "/console";
    public const string Approvals = "/console/approvals";
    public const string Reviews = "/console/reviews";
    public const string History = "/console/history";
    public const string Policies = "/console/policies";
    public const string Fleet = "/console/fleet";
    public const string Audit = "/console/audit";
    public const string AuditCalls = "/console/audit/calls";
    public const string AuditChain = "/console/audit/chain";
    public const string AuditExport = "/console/audit/export";
    public const string Keys = "/console/keys";
    public const string SignIn = "/console/signin";
    public const string SignInStart = "/console/signin/start";
    public const string SignInCallback = "/console/signin/callback";
    public const string SamlStart = "/console/signin/saml/start";
    public const string SamlFinish = "/console/signin/saml/finish";
    public const string SignOut = "/console/signout";
    public const string Assets = "/console/assets";

    public static string Approval(string id) => Approvals + "/" + Uri.EscapeDataString(id);

    /// <summary>
    /// The path to return to after signing in. Anything but a path of the console itself becomes the inbox: a link must
    /// not lead from our own sign-in page to somebody else's.
    /// </summary>
    public static string SafeReturn(string? wanted)
    {
        if (wanted is null || wanted.Length > ConsoleLimits.ReturnCharactersMax) return Inbox;
        foreach (char letter in wanted)
        {
            if (letter is <= ' ' or > '~' or '\\') return Inbox;
        }

        bool isOurs = wanted == Inbox || wanted.StartsWith(Inbox + "/", StringComparison.Ordinal)
            || wanted.StartsWith(Inbox + "?", StringComparison.Ordinal);
        return isOurs && !wanted.StartsWith(SignIn, StringComparison.Ordinal) ? wanted : Inbox;
    }

    public static string SignInFor(string wanted) => SignIn + "?return=" + Uri.EscapeDataString(SafeReturn(wanted));
}
