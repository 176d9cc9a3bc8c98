using System.Collections.Frozen;

namespace Countersign.DemoIssuer;

/// <summary>Someone, or something, that the demo issuer makes tokens for, and the claims they get.</summary>
internal sealed record DemoUser(string Name, string Kind, string[] Groups)
{
    /// <summary>Everyone there is.</summary>
    public static readonly FrozenDictionary<string, DemoUser> All = new DemoUser[]
    {
        new("alice", "human", ["support"]),
        new("bob", "human", ["finance-leads"]),
        new("carol", "human", ["finance-leads", "sre"]),
        new("sam", "human", ["sre"]),
        new("dave", "human", ["contractors"]),
        new("olga", "human", ["policy-admins"]),
        new("nina", "human", ["support", "pii-cleared"]),
        new("ci-deploy", "ci", ["ci"]) { Actor = "dave" },
        new("agent-7", "agent", ["agents"]) { ActsFor = "bob" },
        new("agent-9", "agent", ["agents"]) { Owner = "alice" },
    }.ToFrozenDictionary(user => user.Name, StringComparer.Ordinal);

    /// <summary>Who started the job, in the <c>actor</c> claim.</summary>
    public string? Actor { get; init; }

    /// <summary>Whose agent it is, in the <c>owner</c> claim.</summary>
    public string? Owner { get; init; }

    /// <summary>The person it acts for now: then that person is <c>sub</c>, and it is <c>act.sub</c> (RFC
    /// 8693).</summary>
    public string? ActsFor { get; init; }
}
