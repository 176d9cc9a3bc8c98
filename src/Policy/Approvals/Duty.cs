using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Countersign.Policy.Approvals;

/// <summary>
/// What one call does under one dynamic separation: it touches an object, on which nobody may do another of the
/// separation's functions within the window.
/// </summary>
/// <param name="Separation">The separation's id.</param>
/// <param name="Key">SHA-256 of the tenant and the object, in hexadecimal: objects may be secrets.</param>
/// <param name="Window">For how long what was done counts.</param>
public sealed record Duty(string Separation, string Key, TimeSpan Window)
{
    /// <summary>Of an object as a policy's expression names it.</summary>
    public static Duty Of(string separation, string tenant, string named, TimeSpan window)
    {
        ArgumentNullException.ThrowIfNull(tenant);
        string length = tenant.Length.ToString(CultureInfo.InvariantCulture);
        return new Duty(separation, Hash(length + ":" + tenant + named), window);
    }

    /// <summary>
    /// The people who act in a call, hashed, each once: the whole human chain, and the subject where it is a person or
    /// where the issuer names no chain. Case does not matter, as for <see cref="Caller.ChainsMeet"/>.
    /// </summary>
    public static IReadOnlyList<string> PeopleOf(Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return [.. People(caller.Subject, caller.Kind, caller.Chain).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Who acts by a move of an approval, hashed: by a claim everybody who asked for the call or let it through; by a
    /// decision or a broken glass whoever makes it. Nobody acts by any other move.
    /// </summary>
    public static IReadOnlyList<string> PeopleOf(Approval from, Approval to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        if (to.Duties.Count == 0) return [];
        List<string> people = [];
        bool isClaim = to.State == ApprovalState.Claimed;
        if (isClaim) people.AddRange(People(to.Requester.Subject, to.Requester.Kind, to.Requester.Chain));
        for (int index = isClaim ? 0 : from.Decisions.Count; index < to.Decisions.Count; index++)
        {
            ApprovalDecision said = to.Decisions[index];
            if (said.Approve) people.AddRange(People(said.Approver, CallerKind.Human, said.Chain));
        }

        if (to.Broken is { } broken && (isClaim || from.Broken is null))
            people.AddRange(People(broken.Subject, CallerKind.Human, broken.Chain));
        return [.. people.Distinct(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> People(string subject, CallerKind kind, IReadOnlyList<string> chain)
    {
        IEnumerable<string> people = kind == CallerKind.Human || chain.Count == 0 ? chain.Append(subject) : chain;
        return people.Select(person => Hash(person.ToUpperInvariant()));
    }

    private static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
