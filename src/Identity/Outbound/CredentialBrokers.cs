using Countersign.Policy;

namespace Countersign.Identity.Outbound;

/// <summary>The brokers of the configuration, by the names that policy knows them by.</summary>
/// <param name="brokers">Them; none are disposed of here.</param>
/// <param name="within">How long one may take.</param>
/// <param name="clock">Times it.</param>
public sealed class CredentialBrokers(
    IReadOnlyDictionary<string, ICredentialBroker> brokers, TimeSpan within, TimeProvider clock)
{
    /// <summary>Asks the broker that the terms name. No answer in time is no credential.</summary>
    public async ValueTask<Lending> LendAsync(LendRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        CredentialTerms terms = request.Terms;
        if (!brokers.TryGetValue(terms.From, out ICredentialBroker? broker))
            return Lending.Failed($"the configuration has no broker '{terms.From}'");
        if (broker.Kind != terms.Broker)
            return Lending.Failed($"the configuration's broker '{terms.From}' is of another kind");
        using CancellationTokenSource patience = new(within, clock);
        try
        {
            return await broker.LendAsync(request, patience.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return Lending.Failed($"the broker '{terms.From}' did not answer in time");
        }
    }
}
