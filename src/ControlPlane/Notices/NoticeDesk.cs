using Countersign.ControlPlane.Approvals;
using Countersign.ControlPlane.AuditTrail;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Notices;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Notices;

/// <summary>
/// Files what webhooks are to be told, as it happens, and finds again what nobody filed while no gateway with webhooks
/// was there: at the start, and whenever moves may have been missed, it looks at what is recent.
/// </summary>
internal sealed partial class NoticeDesk : IAsyncDisposable
{
    private static readonly TimeSpan OwedEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<WebhookOptions> _webhooks;
    private readonly INoticeStore _notices;
    private readonly IApprovalStore _approvals;
    private readonly ApprovalFeed _feed;
    private readonly Func<string> _publicUrl;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _http;
    private readonly List<NoticeCourier> _couriers = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public NoticeDesk(
        ControlPlaneOptions options, ControlPlaneServices services, INoticeStore notices, ApprovalFeed feed,
        Func<string> publicUrl, TimeProvider clock, ILogger logger)
    {
        _webhooks = options.Webhooks;
        _notices = notices;
        _approvals = services.Approvals;
        _feed = feed;
        _publicUrl = publicUrl;
        _clock = clock;
        _logger = logger;
        _http = new HttpMessageInvoker(WebhookSender.Handler());
        WebhookSender sender = new(_http, clock);
        foreach (WebhookOptions webhook in _webhooks)
            _couriers.Add(new NoticeCourier(webhook, notices, sender, services.Chance, clock, logger));
    }

    private IReadOnlyList<string> Names => [.. _webhooks.Select(one => one.Name)];

    /// <summary>Begins to file and to deliver; without webhooks there is nothing to do.</summary>
    public void Start()
    {
        if (_webhooks.Count == 0) return;
        foreach (NoticeCourier courier in _couriers) courier.Start();
        _loop = RunAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        foreach (NoticeCourier courier in _couriers) await courier.DisposeAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    /// <summary>Notices that wait, or that were given up.</summary>
    public async ValueTask<Reply> ListAsync(bool dead, int limit, string? cursor)
    {
        StoreResult<NoticePage> page = await _notices.ListAsync(Names, dead, limit, cursor);
        if (page.Status == StoreStatus.NotFound)
            return Reply.Refuse(Refusal.MalformedRequest, "cursor must be what next said.");
        return page.IsOk
            ? Reply.List(json => NoticeJson.Write(json, page.Value!, dead))
            : Reply.Refuse(Refusal.StoreUnavailable);
    }

    /// <summary>Gives a dead notice another round of attempts, as an audited act.</summary>
    public async ValueTask<Reply> ReviveAsync(string id, Caller admin, ActLog acts)
    {
        using AuditedAct act = acts.Begin(admin, ActWords.ReviveNotice, id, "");
        if (!await act.TryIntendAsync()) return Reply.Refuse(Refusal.AuditUnavailable);
        StoreStatus status = await _notices.ReviveAsync(Names, id);
        if (status == StoreStatus.Ok)
        {
            act.Succeed("revived");
            foreach (NoticeCourier courier in _couriers) courier.Knock();
            return Reply.Json("{\"id\":\"" + id + "\",\"status\":\"waiting\"}");
        }

        Refusal refusal = status == StoreStatus.NotFound ? Refusal.NotFound : Refusal.StoreUnavailable;
        act.Fail(RefusalTable.RowOf(refusal).Name);
        return Reply.Refuse(refusal, status == StoreStatus.NotFound ? "There is no such dead notice." : "");
    }

    private async Task RunAsync()
    {
        using FeedListener listener = _feed.Listen()!;
        long owedAt = _clock.GetTimestamp();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                bool isFiled = true;
                if (listener.TakeMissed()) isFiled = await FileRecentAsync();
                while (isFiled && listener.TryTake(out FeedItem item)) isFiled = await FileAsync(item.Approval);
                if (isFiled && _clock.GetElapsedTime(owedAt) >= OwedEvery)
                {
                    isFiled = await FileOwedAsync();
                    owedAt = _clock.GetTimestamp();
                }

                if (isFiled) await WaitAsync(listener);
                else await LookLaterAsync(listener);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                Broke(_logger, fault);
                await LookLaterAsync(listener);
            }
        }
    }

    private async Task WaitAsync(FeedListener listener)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task<bool> heard = listener.WaitAsync(either.Token).AsTask();
        await Task.WhenAny(heard, Task.Delay(OwedEvery, _clock, either.Token));
        await either.CancelAsync();
        _stop.Token.ThrowIfCancellationRequested();
    }

    // A review that stays open moves nothing, so nobody tells of it: it is looked for, and reminded of once a day.
    private async ValueTask<bool> FileOwedAsync()
    {
        string? cursor = null;
        do
        {
            StoreResult<ApprovalPage> page =
                await _approvals.ListOwedAsync(ControlPlaneLimits.ApprovalsOnPageMax, cursor);
            if (!page.IsOk) return false;
            foreach (Approval approval in page.Value!.Items)
            {
                if (!await FileAsync(approval)) return false;
            }

            cursor = page.Value.Next;
        }
        while (cursor is not null);
        return true;
    }

    // What the store did not take now it takes when all that is recent is looked at again.
    private async ValueTask LookLaterAsync(FeedListener listener)
    {
        listener.Miss();
        await Task.Delay(LookAgain, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async ValueTask<bool> FileRecentAsync()
    {
        string? cursor = null;
        int seen = 0;
        do
        {
            StoreResult<ApprovalPage> page =
                await _approvals.ListAsync(null, ControlPlaneLimits.ApprovalsOnPageMax, cursor);
            if (!page.IsOk) return false;
            foreach (Approval approval in page.Value!.Items)
            {
                _feed.Keep(approval);
                if (!await FileAsync(approval)) return false;
            }

            seen += page.Value.Items.Count;
            cursor = page.Value.Next;
        }
        while (cursor is not null && seen < ControlPlaneLimits.NoticesLookedBackMax);
        return true;
    }

    // False when the store did not answer.
    private async ValueTask<bool> FileAsync(Approval approval)
    {
        foreach (NoticeOccasion occasion in NoticeOccasion.Of(approval, _clock.GetUtcNow()))
        {
            if (_clock.GetUtcNow() - occasion.At > ControlPlaneLimits.NoticeAgeMax) continue;
            List<Notice> notices = [];
            foreach (WebhookOptions webhook in _webhooks)
            {
                if (webhook.Events.HasFlag(occasion.Event)) notices.Add(NoticeFor(webhook, occasion, approval));
            }

            if (notices.Count == 0) continue;
            StoreStatus filed = await _notices.FileAsync(approval.Id, occasion.Key, notices);
            if (filed == StoreStatus.Unavailable) return false;
            if (filed != StoreStatus.Ok) continue;
            foreach (NoticeCourier courier in _couriers) courier.Knock();
        }

        return true;
    }

    private Notice NoticeFor(WebhookOptions webhook, NoticeOccasion occasion, Approval approval)
    {
        string link = _publicUrl() + "/console/approvals/" + approval.Id;
        string id = "msg_" + Guid.CreateVersion7(_clock.GetUtcNow()).ToString("N");
        string body = NoticeWriter.Write(webhook.Kind, occasion, approval, link);
        return new Notice(id, webhook.Name, NoticeOccasion.NameOf(occasion.Event), approval.Id, occasion.At, body);
    }

    [LoggerMessage(EventId = 34, Level = LogLevel.Error, Message = "Filing notices failed and goes on")]
    private static partial void Broke(ILogger logger, Exception fault);
}
