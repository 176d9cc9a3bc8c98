using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Policy.Approvals;

/// <summary>
/// What the control listener last saw of a person, as the store keeps it. A claim is refused if this has changed since
/// it was read, so that a group that is lost is lost at the claim too.
/// </summary>
/// <param name="Issuer">Who vouches for the person.</param>
/// <param name="Subject">The person.</param>
/// <param name="Stored">The store's text, exactly; empty for one that was never seen.</param>
public sealed record SeenPerson(string Issuer, string Subject, string Stored)
{
    // Text that cannot be read is newer than anything: it holds no group, and nobody gets one by it.
    private long IssuedAt => long.TryParse(
        Stored.AsSpan(0, Math.Max(Stored.IndexOf('\n', StringComparison.Ordinal), 0)), NumberStyles.None,
        CultureInfo.InvariantCulture, out long issued) ? issued : long.MaxValue;

    /// <summary>The groups; null for a person who was never seen. Text that cannot be read holds no group.</summary>
    public IReadOnlyList<string>? Groups { get; } = Read(Stored);

    /// <summary>
    /// The caller with no group that a newer token of theirs does not hold: who shows an older token, or signed in
    /// earlier, has what they have now at most.
    /// </summary>
    public Caller Narrow(Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        if (Groups is not { } held) return caller;
        bool isOlder = caller.IssuedAt > 0 && IssuedAt <= caller.IssuedAt;
        string[] left = [.. caller.Groups.Where(group => held.Contains(group, StringComparer.Ordinal))];
        if (isOlder || left.Length == caller.Groups.Count) return caller;
        return new Caller(caller.Issuer, caller.Subject, caller.Kind, left, caller.Chain, caller.Tenant)
        {
            IsDelegated = caller.IsDelegated,
            BoundCertificate = caller.BoundCertificate,
            IssuedAt = caller.IssuedAt,
        };
    }

    /// <summary>The text for a person who shows a token: when it was issued, a line, the groups as JSON.</summary>
    public static string TextOf(Caller person)
    {
        ArgumentNullException.ThrowIfNull(person);
        string[] groups = [.. person.Groups.Order(StringComparer.Ordinal)];
        return person.IssuedAt.ToString(CultureInfo.InvariantCulture) + "\n"
            + JsonSerializer.Serialize(groups, SeenGroups.Default.StringArray);
    }

    /// <summary>A name for the person that no other has, of any issuer.</summary>
    public static string KeyOf(string issuer, string subject)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(subject);
        string text = issuer.Length.ToString(CultureInfo.InvariantCulture) + ":" + issuer + subject;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The people whose groups an approval stands on: who approved, or who broke the glass.</summary>
    public static IReadOnlyList<(string Issuer, string Subject)> BehindOf(Approval approval)
    {
        ArgumentNullException.ThrowIfNull(approval);
        List<(string, string)> people = [];
        foreach (ApprovalDecision decision in approval.Decisions) people.Add((decision.Issuer, decision.Approver));
        if (approval.Broken is { } broken) people.Add((broken.Issuer, broken.Subject));
        return people;
    }

    internal static IReadOnlyList<string>? GroupsOf(IReadOnlyList<SeenPerson> seen, string issuer, string subject)
    {
        foreach (SeenPerson person in seen)
        {
            if (person.Issuer == issuer && person.Subject == subject) return person.Groups;
        }

        return null;
    }

    private static string[]? Read(string stored)
    {
        if (stored.Length == 0) return null;
        try
        {
            string json = stored[(stored.IndexOf('\n', StringComparison.Ordinal) + 1)..];
            string[]? groups = JsonSerializer.Deserialize(json, SeenGroups.Default.StringArray);
            return groups is null || Array.IndexOf(groups, null) >= 0 ? [] : groups;
        }
        catch (JsonException)
        {
            return [];
        }
    }
}

/// <summary>The reader and writer of a list of groups.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(string[]))]
internal sealed partial class SeenGroups : System.Text.Json.Serialization.JsonSerializerContext;
