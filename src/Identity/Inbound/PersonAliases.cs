using System.Collections.Frozen;

namespace Countersign.Identity.Inbound;

/// <summary>
/// The accounts of people who have several (docs/decisions/0041). An account is a subject, of whichever issuer, or
/// <c>issuer|subject</c> of one. Subjects are compared without regard to case, as chains are. Immutable.
/// </summary>
public sealed class PersonAliases
{
    /// <summary>Nobody has several.</summary>
    public static readonly PersonAliases None = new([], []);

    private readonly FrozenDictionary<string, string> _anywhere;
    private readonly FrozenDictionary<(string Issuer, string Account), string> _scoped;

    private PersonAliases(
        Dictionary<string, string> anywhere,
        Dictionary<(string Issuer, string Account), (string Person, string As)> scoped)
    {
        _anywhere = anywhere.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _scoped = scoped.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.Person);
    }

    /// <summary>
    /// Reads a list of people and their accounts. A list that can be understood in two ways is refused: what it leaves
    /// open could let somebody approve their own call.
    /// </summary>
    /// <param name="people">Each person's name, and their accounts.</param>
    /// <param name="issuers">The issuers that may vouch for callers.</param>
    /// <param name="errors">Gets everything that is wrong, each as a sentence.</param>
    /// <returns>The list; <see cref="None"/> if anything is wrong.</returns>
    public static PersonAliases Read(
        IEnumerable<KeyValuePair<string, IReadOnlyList<string>>> people, IReadOnlyList<string> issuers,
        ICollection<string> errors)
    {
        ArgumentNullException.ThrowIfNull(people);
        ArgumentNullException.ThrowIfNull(issuers);
        ArgumentNullException.ThrowIfNull(errors);
        KeyValuePair<string, IReadOnlyList<string>>[] list = [.. people];
        int before = errors.Count;
        Dictionary<string, string> anywhere = new(StringComparer.OrdinalIgnoreCase);
        Dictionary<(string Issuer, string Account), (string Person, string As)> scoped = [];
        foreach ((string person, _) in list)
        {
            if (!ClaimText.IsName(person)) errors.Add($"'{person}' is no name of a person");
            else if (person.Contains("://", StringComparison.Ordinal) && person.Contains('|', StringComparison.Ordinal))
                errors.Add($"'{person}' is an account of one issuer: name the person without it");
            else if (!anywhere.TryAdd(person, person)) errors.Add($"'{person}' is listed twice");
        }

        foreach ((string person, IReadOnlyList<string> accounts) in list)
        {
            if (accounts.Count == 0) errors.Add($"'{person}' has no account");
            foreach (string account in accounts) Add(person, account, issuers, anywhere, scoped, errors);
        }

        foreach (((_, string subject), (string person, string account)) in scoped)
        {
            if (anywhere.TryGetValue(subject, out string? other) && !Same(other, person))
                errors.Add($"'{account}' is listed for '{person}', but its subject, of any issuer, for '{other}'");
        }

        return errors.Count == before ? new(anywhere, scoped) : None;
    }

    /// <summary>
    /// Whose account this is, whoever vouches for it; null if it is not listed so. An account of one issuer alone is no
    /// answer, since another issuer's of that name is not it.
    /// </summary>
    public string? PersonOf(string account) => _anywhere.GetValueOrDefault(account);

    /// <summary>Whose account this is; null if it is not listed.</summary>
    /// <param name="issuer">Who vouches for it.</param>
    /// <param name="account">Its subject.</param>
    internal string? PersonOf(string issuer, string account)
    {
        if (_scoped.Count > 0 && _scoped.TryGetValue(Key(issuer, account), out string? one)) return one;
        return _anywhere.GetValueOrDefault(account);
    }

    private static void Add(
        string person, string account, IReadOnlyList<string> issuers, Dictionary<string, string> anywhere,
        Dictionary<(string Issuer, string Account), (string Person, string As)> scoped, ICollection<string> errors)
    {
        // The longest, where one issuer's name begins another's. Subjects may hold a | too: 'auth0|7' is one.
        string? issuer = issuers
            .Where(known => account.StartsWith(known + "|", StringComparison.Ordinal)).MaxBy(known => known.Length);
        string subject = issuer is null ? account : account[(issuer.Length + 1)..];
        int bar = account.IndexOf('|', StringComparison.Ordinal);
        if (issuer is null && bar > 0 && account[..bar].Contains("://", StringComparison.Ordinal))
        {
            errors.Add($"'{account}' of '{person}': no issuer '{account[..bar]}' is configured");
            return;
        }

        if (!ClaimText.IsName(subject))
        {
            errors.Add($"'{account}' of '{person}' is no subject");
            return;
        }

        if (issuer is null)
        {
            if (anywhere.TryAdd(subject, person)) return;
            string other = anywhere[subject];
            errors.Add(Same(subject, person) ? $"'{person}' lists itself"
                : Same(other, subject) ? $"'{account}' of '{person}' is a person of the list: list all accounts once"
                : Same(other, person) ? $"'{account}' of '{person}' is listed twice"
                : $"'{account}' is listed for '{other}' and for '{person}'");
            return;
        }

        (string Issuer, string Account) key = Key(issuer, subject);
        if (scoped.TryAdd(key, (person, account))) return;
        errors.Add(Same(scoped[key].Person, person)
            ? $"'{account}' of '{person}' is listed twice"
            : $"'{account}' is listed for '{scoped[key].Person}' and for '{person}'");
    }

    private static (string Issuer, string Account) Key(string issuer, string account) =>
        (issuer, account.ToUpperInvariant());

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);
}
