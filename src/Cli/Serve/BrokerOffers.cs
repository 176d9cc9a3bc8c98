using Countersign.Cli.Configuration;
using Countersign.Policy;

namespace Countersign.Cli.Serve;

/// <summary>What the brokers of a configuration would lend, before anything is called.</summary>
internal static class BrokerOffers
{
    /// <summary>Why an upstream would be lent nothing; null where it would.</summary>
    /// <param name="brokers">The configuration's.</param>
    /// <param name="upstream">The policy's.</param>
    internal static string? Fault(IReadOnlyList<BrokerSetting> brokers, Upstream upstream)
    {
        CredentialTerms terms = upstream.Credential;
        if (terms.From.Length == 0) return null;
        BrokerSetting? broker = brokers.FirstOrDefault(one => one.Name == terms.From);
        if (broker is null) return $"the configuration has no broker '{terms.From}'";
        if (broker.Kind != terms.Broker) return $"the configuration's broker '{terms.From}' is of another kind";
        Uri? elsewhere = broker.Endpoints.Count == 0
            ? null
            : upstream.Endpoints.FirstOrDefault(endpoint => !broker.Endpoints.Contains(endpoint));
        return elsewhere is null
            ? null
            : $"the broker '{terms.From}' is not for {elsewhere.GetLeftPart(UriPartial.Authority)}, by its endpoints";
    }
}
