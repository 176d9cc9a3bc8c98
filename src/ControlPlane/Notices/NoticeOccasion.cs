using System.Globalization;
using Countersign.Policy.Approvals;

namespace Countersign.ControlPlane.Notices;

/// <summary>Something about an approval that people are told of.</summary>
/// <param name="Event">What.</param>
/// <param name="Key">The same for the same thing, so that it is told once however many gateways see it.</param>
/// <param name="At">When it happened, as far as the approval tells.</param>
internal readonly record struct NoticeOccasion(NoticeEvents Event, string Key, DateTimeOffset At)
{
    /// <summary>The event's name in notices; also what configuration calls it, less the first word.</summary>
    public static string NameOf(NoticeEvents one) => one switch
    {
        NoticeEvents.Created => "approval.created",
        NoticeEvents.Settled => "approval.settled",
        NoticeEvents.BreakGlass => "approval.break-glass",
        NoticeEvents.ReviewOwed => "approval.review-owed",
        _ => "",
    };

    /// <summary>
    /// All that there is to tell of an approval as it stands. What was settled before anybody could be told that it was
    /// asked is told once, as settled: nobody can decide on it any more.
    /// </summary>
    /// <param name="approval">As it stands.</param>
    /// <param name="now">The time: a review that is owed is told of once a day until somebody closes it.</param>
    public static IEnumerable<NoticeOccasion> Of(Approval approval, DateTimeOffset now)
    {
        if (approval.Broken is { } broken)
        {
            yield return new(NoticeEvents.BreakGlass, "break-glass", broken.At);
            if (approval.OwesReview)
            {
                int day = Math.Max(0, (int)(now - broken.At).TotalDays);
                string key = string.Create(CultureInfo.InvariantCulture, $"review-owed:{day}");
                yield return new(NoticeEvents.ReviewOwed, key, broken.At.AddDays(day));
            }

            // Nobody approved it: that it was let through is told already.
            if (approval.State == ApprovalState.Approved) yield break;
        }

        DateTimeOffset last = approval.Decisions.Count > 0 ? approval.Decisions[^1].At : approval.CreatedAt;
        switch (approval.State)
        {
            case ApprovalState.Pending:
                yield return new(NoticeEvents.Created, "created", approval.CreatedAt);
                break;
            case ApprovalState.Approved or ApprovalState.Denied or ApprovalState.Cancelled or ApprovalState.Revoked:
                yield return new(NoticeEvents.Settled, "settled:" + ApprovalStates.NameOf(approval.State), last);
                break;
            case ApprovalState.Expired:
                yield return new(NoticeEvents.Settled, "settled:expired", approval.ExpiresAt);
                break;
            default:
                break;
        }
    }
}
