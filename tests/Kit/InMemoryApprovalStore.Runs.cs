using Countersign.Policy;
using Countersign.Policy.Approvals;

namespace Countersign.Kit;

/// <content>Keys of retries, calls to be made, and what came of them.</content>
public sealed partial class InMemoryApprovalStore
{
    /// <inheritdoc/>
    public ValueTask<StoreStatus> BindAsync(Approval approval, string retryKey)
    {
        ArgumentNullException.ThrowIfNull(approval);
        lock (_gate)
        {
            if (_retryKeys.TryGetValue(retryKey, out (string Digest, string Id) known))
                return new(known == (approval.Digest, approval.Id) ? StoreStatus.Ok : StoreStatus.Mismatch);
            bool isLive = _approvals.TryGetValue(approval.Id, out Kept? kept) && IsOpen(kept.Approval)
                && !IsLapsed(kept);
            if (!isLive) return new(StoreStatus.NotFound);
            _retryKeys.Add(retryKey, (approval.Digest, approval.Id));
            kept!.IsKeyed = true;
            return new(StoreStatus.Ok);
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<IReadOnlyList<string>>> ListRunsAsync(int limit)
    {
        lock (_gate)
        {
            IReadOnlyList<string> ids = [.. _approvals.Values.Where(one => one.Run is not null)
                .Select(one => one.Approval.Id).Take(limit)];
            return new(new StoreResult<IReadOnlyList<string>>(StoreStatus.Ok, ids));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> RunAsync(string id) => Bytes(id, kept => kept.Run);

    /// <inheritdoc/>
    public ValueTask<StoreStatus> KeepOutcomeAsync(string id, ReadOnlyMemory<byte> sealedOutcome, TimeSpan keep)
    {
        lock (_gate)
        {
            bool canHaveOne = _approvals.TryGetValue(id, out Kept? kept)
                && kept.Approval.State is ApprovalState.Executed or ApprovalState.Failed or ApprovalState.Unknown;
            if (!canHaveOne) return new(StoreStatus.NotFound);
            kept!.Outcome = sealedOutcome.ToArray();
            kept.IsTold = false;
        }

        Tell(id);
        return new(StoreStatus.Ok);
    }

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> OutcomeAsync(string id) => Bytes(id, kept => kept.Outcome);

    /// <inheritdoc/>
    public ValueTask<StoreResult<byte[]>> TakeOutcomeAsync(string id)
    {
        lock (_gate)
        {
            ValueTask<StoreResult<byte[]>> taken = Bytes(id, kept => kept.IsTold ? null : kept.Outcome);
            if (!_approvals.TryGetValue(id, out Kept? kept) || kept.Outcome is null) return taken;
            kept.IsTold = true;
            if (!kept.IsKeyed) kept.Outcome = null;
            return taken;
        }
    }
}
