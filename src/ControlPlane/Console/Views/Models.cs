namespace Countersign.ControlPlane.Console.Views;

/// <summary>What every page says around its own content.</summary>
/// <param name="Title">The page's own name; the browser's tab shows it.</param>
/// <param name="Area">The part of the console that is marked in the navigation.</param>
/// <param name="Viewer">Who is signed in; null on the pages before that.</param>
/// <param name="FormToken">What forms send back; empty before signing in.</param>
/// <param name="Waiting">How many calls wait for this viewer's decision; -1 where nobody counted.</param>
/// <param name="Owed">How many reviews this viewer may close; empty for none, and where nobody counted.</param>
public sealed record PageHead(
    string Title, string Area, ViewerView? Viewer, string FormToken, int Waiting, string Owed = "")
{
    /// <summary>What is wrong with this gateway's audit log, in sentences; empty where nothing is.</summary>
    public string Alarm { get; init; } = "";

    public string TabTitle => (Waiting > 0 ? $"({Waiting}) " : "") + Title + " · Countersign";
}

/// <summary>Who is signed in.</summary>
public sealed record ViewerView(
    string Subject, string Kind, string Issuer, IReadOnlyList<string> Groups, bool MayReadPolicy,
    bool MayReadAudit, DateTimeOffset EndsAt);

/// <summary>What a page says of what was just done or refused.</summary>
/// <param name="IsGood">True for done, false for refused.</param>
/// <param name="Text">One sentence of ours.</param>
public sealed record Notice(bool IsGood, string Text);

/// <summary>A row of the inbox.</summary>
public sealed record InboxRow(ApprovalView Approval, Standing Standing, ArgumentTree Tree);

/// <summary>The inbox.</summary>
public sealed record InboxModel(
    PageHead Head, IReadOnlyList<InboxRow> Mine, IReadOnlyList<InboxRow> Others, DateTimeOffset Now, Notice? Notice);

/// <summary>A broken glass that nobody has reviewed.</summary>
public sealed record OwedRow(ApprovalView Approval, bool MayReview);

/// <summary>The reviews that are owed.</summary>
public sealed record ReviewsModel(PageHead Head, IReadOnlyList<OwedRow> Items, string? Next, bool IsFirst);

/// <summary>One approval with all there is to say of it.</summary>
public sealed record ApprovalModel(
    PageHead Head, ApprovalView Approval, ArgumentTree Tree, Standing Standing, IReadOnlyList<ApprovalView> Earlier,
    ActsView Acts, DateTimeOffset Now, Notice? Notice, Draft Draft);

/// <summary>What somebody wrote into a form that was refused, so that they need not write it again.</summary>
/// <param name="Verb">The form: the last part of the path that it posts to.</param>
public sealed record Draft(string Verb, string Text)
{
    public static Draft None { get; } = new("", "");

    /// <summary>What stands in that form.</summary>
    public string For(string verb) => Verb == verb ? Text : "";
}

/// <summary>What besides deciding this viewer may do with an approval.</summary>
/// <param name="Actions">With one press.</param>
/// <param name="Pointers">Where the arguments are that may be revealed.</param>
public sealed record ActsView(
    IReadOnlyList<ActionView> Actions, bool MayReveal, IReadOnlyList<string> Pointers, bool MayBreakGlass,
    bool MayReview)
{
    public static ActsView None { get; } = new([], false, [], false, false);
}

/// <summary>One argument in clear, shown once.</summary>
public sealed record RevealModel(
    PageHead Head, string ApprovalId, string Function, string Pointer, ArgumentTree Value);

/// <summary>Something else that this viewer may do with an approval.</summary>
/// <param name="Verb">The last part of the path that it posts to.</param>
/// <param name="Label">What its button says.</param>
/// <param name="Hint">What it does.</param>
public sealed record ActionView(string Verb, string Label, string Hint);

/// <summary>The last look before a decision.</summary>
public sealed record ConfirmModel(
    PageHead Head, ApprovalView Approval, ArgumentTree Tree, bool Approves, string Digest, string Reason,
    DateTimeOffset Now);

/// <summary>The last look before the glass is broken.</summary>
public sealed record GlassModel(
    PageHead Head, ApprovalView Approval, ArgumentTree Tree, string Digest, string Reason, DateTimeOffset Now);

/// <summary>What the history is narrowed to.</summary>
public sealed record HistoryFilter(string State, string Function, string Who, string Risk)
{
    public bool IsEmpty => State.Length + Function.Length + Who.Length + Risk.Length == 0;
}

/// <summary>A page of the history.</summary>
public sealed record HistoryModel(
    PageHead Head, HistoryFilter Filter, IReadOnlyList<ApprovalView> Items, string? Next, bool IsFirst, bool IsPartial);

/// <summary>A sentence in place of a page.</summary>
public sealed record MessageModel(PageHead Head, string Heading, string Text, string LinkPath, string LinkText);

/// <summary>The sign-in page.</summary>
public sealed record SignInModel(
    PageHead Head, IReadOnlyList<SignInChoice> Choices, string Return, Notice? Notice);

/// <summary>An issuer to sign in by.</summary>
/// <param name="Start">Where signing in by it begins: a path with a query.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Issuer">Who vouches.</param>
public sealed record SignInChoice(string Start, string Name, string Issuer);

/// <summary>A row of the policy's history.</summary>
public sealed record PolicyRow(long Version, string Author, DateTimeOffset At, string Sha256, bool IsCurrent)
{
    /// <summary>The newest request to put it in force that the viewer may see; null for none.</summary>
    public ApprovalView? Proposal { get; init; }
}

/// <summary>The versions of the policy.</summary>
public sealed record PoliciesModel(PageHead Head, IReadOnlyList<PolicyRow> Items, string? Next);

/// <summary>One version of the policy.</summary>
public sealed record PolicyModel(
    PageHead Head, PolicyRow Version, string Source, long Against, IReadOnlyList<long> Others,
    IReadOnlyList<DiffLine> Changes, PolicyDiffView? Meaning);

/// <summary>A line of the difference between two versions; <c>+</c>, <c>-</c>, a space, or <c>…</c> for lines left
/// out.</summary>
public sealed record DiffLine(char Sign, int Number, string Text);

/// <summary>One gateway of the fleet.</summary>
public sealed record NodeRow(
    string Name, string Instance, string State, IReadOnlyList<string> Roles, string Data, string Control, string Build,
    long PolicyVersion, DateTimeOffset StartedAt, DateTimeOffset LastContact, IReadOnlyList<string> Alarms);

/// <summary>The fleet, and the policy version that all of it should run.</summary>
public sealed record FleetModel(PageHead Head, long PolicyVersion, bool IsConverged, IReadOnlyList<NodeRow> Nodes);
