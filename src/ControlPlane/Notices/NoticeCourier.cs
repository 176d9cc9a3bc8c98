using Countersign.Policy;
using Countersign.Policy.Notices;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Notices;

/// <summary>
/// Delivers one webhook's notices, one after the other. Couriers of other gateways do the same from the same queue: the
/// lease gives each notice to one at a time, and longer than an attempt can take.
/// </summary>
internal sealed partial class NoticeCourier(
    WebhookOptions webhook, INoticeStore store, WebhookSender sender, Random chance, TimeProvider clock, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _knock = new(0, 1);
    private Task _loop = Task.CompletedTask;

    /// <summary>Begins to deliver.</summary>
    public void Start() => _loop = RunAsync();

    /// <summary>Something may be due now.</summary>
    public void Knock()
    {
        lock (_knock)
        {
            if (_knock.CurrentCount == 0) _knock.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _knock.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (await DeliverAsync()) continue;
                await WaitAsync();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                // The notice comes back when its lease ends; the others must not wait for that.
                Broke(logger, webhook.Name, fault);
                await WaitAsync();
            }
        }
    }

    private async Task WaitAsync()
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        await Task.WhenAny(_knock.WaitAsync(either.Token), Task.Delay(LookEvery, clock, either.Token));
        await either.CancelAsync();
    }

    // False when nothing is due, or the store does not say.
    private async ValueTask<bool> DeliverAsync()
    {
        StoreResult<LeasedNotice> taken = await store.TakeAsync(webhook.Name, ControlPlaneLimits.NoticeLease);
        if (taken.Value is not { } leased || !taken.IsOk) return false;
        Delivery delivery = await sender.SendAsync(webhook, leased.Notice, _stop.Token);
        if (delivery.IsDelivered)
        {
            await store.CompleteAsync(leased);
            Delivered(logger, leased.Notice.Event, webhook.Name, leased.Attempt);
            return true;
        }

        bool isLast = delivery.IsFinal || leased.Attempt >= ControlPlaneLimits.DeliveriesMax;
        TimeSpan? delay = isLast ? null : BackOff.After(leased.Attempt, chance.NextDouble(), delivery.RetryAfter);
        await store.FailAsync(leased, delay, delivery.Error);
        if (isLast) GivenUp(logger, leased.Notice.Event, webhook.Name, leased.Attempt, delivery.Error);
        else Failed(logger, leased.Notice.Event, webhook.Name, leased.Attempt, delivery.Error);
        return true;
    }

    [LoggerMessage(
        EventId = 30, Level = LogLevel.Debug, Message = "Told webhook {Webhook} of {What}, at attempt {Attempt}")]
    private static partial void Delivered(ILogger logger, string what, string webhook, int attempt);

    [LoggerMessage(
        EventId = 31, Level = LogLevel.Warning,
        Message = "Could not tell webhook {Webhook} of {What} at attempt {Attempt}: {Error}")]
    private static partial void Failed(ILogger logger, string what, string webhook, int attempt, string error);

    [LoggerMessage(
        EventId = 32, Level = LogLevel.Error,
        Message = "Gave up telling webhook {Webhook} of {What} after attempt {Attempt}: {Error}")]
    private static partial void GivenUp(ILogger logger, string what, string webhook, int attempt, string error);

    [LoggerMessage(EventId = 33, Level = LogLevel.Error, Message = "The courier of webhook {Webhook} failed")]
    private static partial void Broke(ILogger logger, string webhook, Exception fault);
}
