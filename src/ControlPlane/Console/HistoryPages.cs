using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.ControlPlane.Console.Views;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console;

/// <summary>The history, and the page of keys.</summary>
internal sealed class HistoryPages(ConsoleGate gate, ApprovalSearch search)
{
    public void Map()
    {
        gate.Page(ConsolePaths.History, ShowAsync);
        gate.Page(ConsolePaths.Keys, (_, session) => gate.RenderAsync<KeysPage>(
            new MessageModel(gate.HeadFor(session, "Keyboard", ""), "Keyboard", "", "", "")));
    }

    private async ValueTask<Reply> ShowAsync(HttpContext context, ConsoleSession session)
    {
        PageHead head = gate.HeadFor(session, "History", "history");
        HistoryFilter filter = new(
            Field(context, "state"), Field(context, "function"), Field(context, "who"), Field(context, "risk"));
        string cursor = Field(context, "cursor");
        ApprovalFinding? found = await search.FindAsync(filter, cursor.Length == 0 ? null : cursor, session.Caller);
        if (found is null)
        {
            return await gate.MessageAsync(
                503, gate.HeadFor(session, "The store does not answer", "history"), "Try again in a moment.");
        }

        return await gate.RenderAsync<HistoryPage>(new HistoryModel(
            head, filter, found.Items, found.Next, cursor.Length == 0, !found.IsFull));
    }

    private static string Field(HttpContext context, string name)
    {
        bool isOne = RequestReading.TryQuery(context, name, out string? value);
        return isOne && value is { Length: <= ConsoleLimits.FilterCharactersMax } ? value.Trim() : "";
    }
}
