using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Approvals;

/// <summary>
/// Approvals as they happen, as server-sent events: first all that are pending, then each that is asked for or moves,
/// all of it masked for the viewer. There are no event ids: whoever comes back gets what is pending anew, which a
/// memory of past events, on whatever gateway they then meet, could only repeat (decision 0048).
/// </summary>
internal sealed class ApprovalStreams(
    ApprovalFeed feed, ApprovalViews views, TimeProvider clock, CancellationToken stopping)
{
    /// <summary>Streams until the viewer goes, is no longer who they were, or the listener stops.</summary>
    /// <param name="context">The request.</param>
    /// <param name="known">Who looks, and until when they may.</param>
    /// <param name="again">Asks again who looks; null ends the stream.</param>
    public async ValueTask<Reply?> RunAsync(HttpContext context, BearerOutcome known, Func<ValueTask<Caller?>> again)
    {
        Caller viewer = known.Caller!;
        using FeedListener? listener = feed.Listen(viewer.Issuer + " " + viewer.Subject);
        if (listener is null)
        {
            return Reply.Refuse(Refusal.RateLimited, "You, or all together, have too many event streams open.");
        }

        context.Response.Headers.ContentType = "text/event-stream";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        using StreamLease lease = new(known.GoodUntil, clock, context.RequestAborted, stopping);
        try
        {
            await StreamAsync(context.Response.BodyWriter, listener, viewer, again, lease);
        }
        catch (Exception fault) when (fault is OperationCanceledException or TimeoutException or IOException)
        {
            // The viewer has gone, takes nothing, or the listener stops: each ends the stream, and they come back.
            if (fault is TimeoutException) context.Abort();
        }

        return null;
    }

    private async Task StreamAsync(
        PipeWriter output, FeedListener listener, Caller viewer, Func<ValueTask<Caller?>> again, StreamLease lease)
    {
        CancellationToken ends = lease.Ends;
        Write(output, "retry: 2000\n\n"u8);
        Task beat = Task.Delay(ControlPlaneLimits.HeartbeatEvery, clock, ends);
        while (!lease.IsOver)
        {
            if (listener.TakeMissed() && !await SnapshotAsync(output, viewer, lease)) return;
            while (listener.TryTake(out FeedItem item)) await MoveAsync(output, item, viewer, lease);
            Task<bool> waiting = listener.WaitAsync(ends).AsTask();
            if (await Task.WhenAny(waiting, beat) == waiting)
            {
                await waiting;
                continue;
            }

            await beat;
            if (await again() is not { } still || lease.IsOver) return;
            viewer = still;
            Write(output, ": still here\n\n"u8);
            await FlushAsync(output, ends);
            beat = Task.Delay(ControlPlaneLimits.HeartbeatEvery, clock, ends);
        }
    }

    // Oldest first, as they were asked for. False when the store is away: the viewer comes back and finds it again.
    private async ValueTask<bool> SnapshotAsync(PipeWriter output, Caller viewer, StreamLease lease)
    {
        StoreResult<ApprovalPage> page = await views.ListAsync(
            new ApprovalFilter(ApprovalState.Pending), ControlPlaneLimits.SnapshotMax, null, viewer);
        if (!page.IsOk) return false;
        foreach (Approval approval in page.Value!.Items.Reverse())
        {
            feed.Keep(approval);
            if (await views.JsonAsync(approval, viewer) is not { } json) return false;
            await SendAsync(output, "pending", json, lease);
        }

        string ready = string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"pending\":{page.Value.Items.Count},\"complete\":{(page.Value.Next is null ? "true" : "false")}}}");
        await SendAsync(output, "ready", Encoding.UTF8.GetBytes(ready), lease);
        return true;
    }

    private async ValueTask MoveAsync(PipeWriter output, FeedItem item, Caller viewer, StreamLease lease)
    {
        if (!views.MaySee(item.Approval, viewer)) return;
        if (views.Json(item.Approval, await item.BoxAsync(), viewer) is not { } json) return;
        await SendAsync(output, item.IsNew ? "asked" : "moved", json, lease);
    }

    private async ValueTask SendAsync(
        PipeWriter output, string name, ReadOnlyMemory<byte> json, StreamLease lease)
    {
        if (lease.IsOver) return;
        Write(output, Encoding.UTF8.GetBytes("event: " + name + "\ndata: "));
        WriteLine(output, json.Span);
        Write(output, "\n\n"u8);
        await FlushAsync(output, lease.Ends);
    }

    // A masked body keeps its own white space, and a line break would end the data: none stands inside a JSON string.
    private static void WriteLine(PipeWriter output, ReadOnlySpan<byte> json)
    {
        Span<byte> line = output.GetSpan(json.Length)[..json.Length];
        json.CopyTo(line);
        line.Replace((byte)'\n', (byte)' ');
        line.Replace((byte)'\r', (byte)' ');
        output.Advance(json.Length);
    }

    private static void Write(PipeWriter output, ReadOnlySpan<byte> bytes) => output.Write(bytes);

    private async ValueTask FlushAsync(PipeWriter output, CancellationToken ends) =>
        await output.FlushAsync(ends).AsTask().WaitAsync(ControlPlaneLimits.EventWithin, clock, ends);
}
