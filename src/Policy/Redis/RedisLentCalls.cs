using System.Collections.Concurrent;
using StackExchange.Redis;

namespace Countersign.Policy.Redis;

/// <summary>Questions and answers by pub/sub: one channel for each start of a gateway, one for each who asks.</summary>
public sealed class RedisLentCalls : ILentCalls
{
    // Far beyond what a living gateway needs, and shorter than whoever asks will wait.
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    private readonly RedisStore _store;
    private readonly TimeProvider _clock;
    private readonly string _answers = StoreKeys.LentAnswers(Guid.NewGuid().ToString("N"));
    private readonly ConcurrentDictionary<string, TaskCompletionSource<bool>> _asked = new(StringComparer.Ordinal);
    private long _number;

    private RedisLentCalls(RedisStore store, TimeProvider clock)
    {
        _store = store;
        _clock = clock;
    }

    /// <summary>Begins to listen for answers. Works on a store that is away too.</summary>
    public static async Task<RedisLentCalls> OpenAsync(RedisStore store, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(clock);
        RedisLentCalls calls = new(store, clock);
        await store.ListenAsync(calls._answers, calls.Hear);
        return calls;
    }

    /// <inheritdoc/>
    public Task ServeAsync(string start, Func<Guid, bool> isInFlight)
    {
        ArgumentException.ThrowIfNullOrEmpty(start);
        ArgumentNullException.ThrowIfNull(isInFlight);
        return _store.ListenAsync(StoreKeys.LentQuestions(start), question => Answer(question, isInFlight));
    }

    /// <inheritdoc/>
    public async ValueTask<StoreStatus> AskAsync(string start, Guid call)
    {
        ArgumentException.ThrowIfNullOrEmpty(start);
        string number = Interlocked.Increment(ref _number).ToString("x", null);
        TaskCompletionSource<bool> asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[number] = asked;
        try
        {
            bool isSent = await PublishAsync(StoreKeys.LentQuestions(start), $"{_answers} {number} {call:N}");
            if (!isSent) return StoreStatus.Unavailable;
            return await asked.Task.WaitAsync(AnswerWithin, _clock) ? StoreStatus.Ok : StoreStatus.NotFound;
        }
        catch (TimeoutException)
        {
            return StoreStatus.NotFound;
        }
        finally
        {
            _asked.TryRemove(number, out _);
        }
    }

    private void Answer(string question, Func<Guid, bool> isInFlight)
    {
        string[] parts = question.Split(' ');
        bool isQuestion = parts.Length == 3 && parts[0].StartsWith(StoreKeys.LentAnswers(""), StringComparison.Ordinal)
            && Guid.TryParseExact(parts[2], "N", out _);
        if (!isQuestion) return;
        bool isSo = isInFlight(Guid.ParseExact(parts[2], "N"));
        _ = PublishAsync(parts[0], parts[1] + (isSo ? " 1" : " 0"));
    }

    private void Hear(string answer)
    {
        int space = answer.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0 || !_asked.TryGetValue(answer[..space], out TaskCompletionSource<bool>? asked)) return;
        asked.TrySetResult(answer.AsSpan(space + 1) is "1");
    }

    private async Task<bool> PublishAsync(string channel, string message)
    {
        (bool answered, _) = await _store.AskAsync(
            (Channel: RedisChannel.Literal(channel), Message: (RedisValue)message),
            static (database, tell) => database.PublishAsync(tell.Channel, tell.Message));
        return answered;
    }
}
