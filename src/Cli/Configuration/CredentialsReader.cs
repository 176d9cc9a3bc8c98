using Countersign.DataPlane;
using Countersign.Identity.Outbound;

namespace Countersign.Cli.Configuration;

/// <summary>Reads <c>credentials</c>: what is lent to upstreams, and by whom.</summary>
internal static class CredentialsReader
{
    /// <summary>When signing keys change.</summary>
    internal static SigningTerms ReadSigning(ConfigurationSection credentials, Limits limits)
    {
        ConfigurationSection signing = credentials.Section("signing");
        SigningTerms unstated = new();
        TimeSpan second = TimeSpan.FromSeconds(1);
        SigningTerms terms = unstated with
        {
            RotateEvery = signing.Duration("rotateEvery", unstated.RotateEvery, second, TimeSpan.FromDays(365)),
            PublishBefore = signing.Duration("publishBefore", unstated.PublishBefore, second, TimeSpan.FromDays(30)),
            Slack = limits.PolicyDeadAfter,
        };
        if (terms.PublishBefore > terms.RotateEvery)
        {
            signing.Fault("publishBefore", "cannot be more than rotateEvery");
        }

        signing.RefuseOthers();
        credentials.RefuseOthers();
        return terms;
    }
}
