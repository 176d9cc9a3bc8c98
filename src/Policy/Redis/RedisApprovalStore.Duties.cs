using Countersign.Policy.Approvals;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <content>What dynamic separations remember of calls that nobody had to approve.</content>
public sealed partial class RedisApprovalStore
{
    /// <inheritdoc/>
    public async ValueTask<StoreResult<string>> ActAsync(
        IReadOnlyList<Duty> duties, string function, IReadOnlyList<string> people, bool writes, bool enforces)
    {
        ArgumentNullException.ThrowIfNull(duties);
        RedisKey[] keys = [.. duties.Select(one => (RedisKey)StoreKeys.Duty(one.Separation, one.Key))];
        RedisValue[] terms =
        [
            function, string.Join(' ', people), writes ? "1" : "", enforces ? "1" : "",
            .. duties.Select(one => (RedisValue)(long)one.Window.TotalMilliseconds),
        ];
        RedisResult? answer = await _store.EvaluateAsync(DutyScripts.Act, keys, terms);
        if (answer is null) return default;
        string place = (string?)answer[1] ?? "";
        string separation = place.Length > 0 ? duties[(int)answer[1]].Separation : "";
        return (string?)answer[0] switch
        {
            "duty" => new(StoreStatus.DutyConflict, null) { Separation = separation },
            "acted" => new(StoreStatus.Ok, separation),
            _ => default,
        };
    }
}
