using Countersign.Cli.Configuration;
using Countersign.Cli.Policies;
using Countersign.Policy;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging;

namespace Countersign.Cli.Serve;

/// <summary>A process's first contact with its policy: the bootstrap, and the wait for a first version.</summary>
internal sealed class PolicyStart(
    GatewayOptions options, RedisPolicyStore policies, PolicyMemory memory, GatewayAudit audit, TimeProvider clock,
    ILogger log)
{
    private static readonly TimeSpan StoreWithin = TimeSpan.FromSeconds(15);

    /// <summary>Policy is not configuration: it goes only into a store that has none.</summary>
    internal async Task BootstrapAsync(CancellationToken cancellation)
    {
        long startedAt = clock.GetTimestamp();
        long? current;
        while ((current = await policies.CurrentAsync()) is null)
        {
            if (clock.GetElapsedTime(startedAt) > StoreWithin)
            {
                throw new StartRefusedException(
                    "The store does not answer; a gateway without policy could only refuse. Check store.redis.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), clock, cancellation);
        }

        if (options.PolicyBootstrap is not { } file || (current > 0 && !options.BootstrapFollows)) return;
        string source = await File.ReadAllTextAsync(file, cancellation);
        PolicyFile policy = PolicyFile.Parse(file, source, mayLeaveFolder: false);
        PolicyReading reading = policy.Reading;
        if (reading.Errors.Count > 0) throw new StartRefusedException(PolicyErrorText.Of(policy, reading.Errors));
        source = policy.Source;
        if (current == 0 && memory.Furthest.Change > 0 && !IsWhatWasSeen(reading))
        {
            ProcessLog.NotBootstrapped(log, memory.Furthest.Current);
            return;
        }

        StoreResult<StoredPolicy> stored = current > 0
            ? await RepublishAsync(current.Value, reading, source)
            : await policies.BootstrapAsync(
                reading.Json, source, RedisPolicyStore.BootstrapAuthor,
                memory.Furthest.Change > 0 ? memory.Furthest : null);
        if (stored.Status == StoreStatus.Unavailable)
        {
            throw new StartRefusedException("The store did not take the bootstrap policy.");
        }

        if (stored.IsOk && stored.Value!.Version != current)
            audit.Record("policy-bootstrapped", "sha256:" + stored.Value.Sha256, $"policy/{stored.Value.Version}");
    }

    // A store that lost its policy must not be filled with an older one. The same document again is none.
    private bool IsWhatWasSeen(PolicyReading reading) => memory.Furthest.Sha256 == reading.Snapshot!.Sha256;

    /// <summary>Waits until the version in force is loaded, if there is one, or it is known why it cannot be.</summary>
    internal async Task LoadAsync(RedisPolicyFeed feed, CancellationToken cancellation)
    {
        if (await policies.CurrentAsync() is not > 0) return;
        try
        {
            await feed.WaitForJudgementAsync(cancellation).WaitAsync(StoreWithin, clock, cancellation);
        }
        catch (TimeoutException)
        {
            // The store went away. Told below, with every other reason.
        }

        // The gateway listens all the same and says what is wrong; calls are refused until it is mended.
        if (feed.Version == 0) ProcessLog.PolicyNotLoaded(log, string.Join(", ", feed.Standing.Alarms));
    }

    // A demo's addresses may change between starts. What somebody else has published since stays in force.
    private async ValueTask<StoreResult<StoredPolicy>> RepublishAsync(
        long current, PolicyReading reading, string source)
    {
        StoreResult<StoredPolicy> held = await policies.GetAsync(current);
        bool isStale = held.IsOk && held.Value!.Author == RedisPolicyStore.BootstrapAuthor
            && held.Value.Document != reading.Json;
        return isStale
            ? await policies.PublishAsync(
                reading.Json, source, RedisPolicyStore.BootstrapAuthor,
                expected: new PolicyExpectation(Current: current))
            : held;
    }
}
