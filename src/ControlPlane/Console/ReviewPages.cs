using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Views;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console;

/// <summary>The broken glasses that nobody has looked at yet.</summary>
internal sealed class ReviewPages(ConsoleGate gate, ApprovalSearch search, TimeProvider clock)
{
    public void Map() => gate.Page(ConsolePaths.Reviews, ShowAsync);

    private async ValueTask<Reply> ShowAsync(HttpContext context, ConsoleSession session)
    {
        bool isOne = RequestReading.TryQuery(context, "cursor", out string? cursor);
        if (!isOne || string.IsNullOrEmpty(cursor)) cursor = null;
        if (await search.OwedAsync(cursor, session.Caller, clock.GetUtcNow()) is not { } owed)
        {
            return await gate.MessageAsync(
                503, gate.HeadFor(session, "The store does not answer", "reviews"), "Try again in a moment.");
        }

        string count = cursor is null
            ? ApprovalSearch.CountOf(owed.Items, owed.Next)
            : await search.OwedCountAsync(session.Caller, clock.GetUtcNow());
        return await gate.RenderAsync<ReviewsPage>(new ReviewsModel(
            gate.HeadFor(session, "Owed reviews", "reviews", -1, count), owed.Items, owed.Next, cursor is null));
    }
}
