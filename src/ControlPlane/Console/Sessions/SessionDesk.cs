using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Sessions;

namespace Countersign.ControlPlane.Console.Sessions;

/// <summary>Somebody signed in at the console.</summary>
/// <param name="Key">What the store knows the session by: never the id itself.</param>
/// <param name="Caller">The same as a bearer token of theirs would give.</param>
/// <param name="FormToken">What their forms must send back.</param>
/// <param name="BegunAt">When they signed in.</param>
/// <param name="EndsAt">When they must sign in again, whatever they do.</param>
internal sealed record ConsoleSession(
    string Key, Caller Caller, string FormToken, DateTimeOffset BegunAt, DateTimeOffset EndsAt)
{
    /// <summary>True while the issuer's word on their groups is new enough to act on (decision 0057).</summary>
    public bool MayAct { get; init; }
}

/// <summary>What became of a session's cookie.</summary>
/// <param name="Session">Null when there is none.</param>
/// <param name="IsStoreAway">True when nobody knows, since the store did not answer.</param>
internal readonly record struct SessionFinding(ConsoleSession? Session, bool IsStoreAway);

/// <summary>
/// Begins, finds and ends sessions. The cookie holds 256 random bits and nothing else; the store holds their hash and
/// the sealed caller, so that neither whoever reads the store nor whoever writes to it can be somebody (decision 0052).
/// </summary>
internal sealed class SessionDesk(ISessionStore store, PayloadSeal seal, ConsoleTerms terms, SeenPeople people,
    TimeProvider clock)
{
    private const int IdBytes = 32;

    private static readonly byte[] FormPurpose = Encoding.ASCII.GetBytes("countersign console form v1");

    /// <summary>Begins a session under a new id, which is what goes into the cookie; null when the store did not
    /// confirm it. It ends at the time given with it, whatever is done meanwhile.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="notAfter">When it ends at the latest, beside the terms.</param>
    public async ValueTask<(string Id, DateTimeOffset EndsAt)?> BeginAsync(
        Caller caller, DateTimeOffset? notAfter = null)
    {
        byte[] id = RandomNumberGenerator.GetBytes(IdBytes);
        string key = KeyOf(id);
        DateTimeOffset now = clock.GetUtcNow();
        TimeSpan most = notAfter is { } end && end < now + terms.SessionMax ? end - now : terms.SessionMax;
        if (most <= TimeSpan.Zero) return null;
        byte[] record = SessionRecord.Write(caller, now, now + most);
        StoreStatus kept = await store.AddAsync(key, seal.Seal(key, record), Shorter(terms.SessionIdle, most));
        return kept == StoreStatus.Ok ? (Base64Url.EncodeToString(id), now + most) : null;
    }

    /// <summary>The session of a cookie.</summary>
    /// <param name="cookie">Its value; null without one.</param>
    /// <param name="isActivity">True when a person did something; a page that keeps itself fresh is nobody's doing, and
    /// does not keep a session alive.</param>
    public async ValueTask<SessionFinding> FindAsync(string? cookie, bool isActivity)
    {
        if (IdIn(cookie) is not { } id) return default;
        string key = KeyOf(id);
        StoreResult<byte[]> found = await store.FindAsync(key);
        if (found.Status == StoreStatus.Unavailable) return new(null, IsStoreAway: true);
        if (!found.IsOk || !seal.TryOpen(key, found.Value!, out byte[] opened)) return default;
        if (SessionRecord.Read(opened) is not { } record) return default;
        TimeSpan left = record.EndsAt - clock.GetUtcNow();
        if (left <= TimeSpan.Zero) return default;
        TimeSpan goodFor = isActivity ? Shorter(terms.SessionIdle, left) : TimeSpan.Zero;
        Caller caller = record.ToCaller();
        string person = PersonOf(caller.Issuer, caller.Subject);
        StoreStatus confirmed = await store.ConfirmAsync(key, person, record.BegunAt, goodFor);
        if (confirmed == StoreStatus.Unavailable) return new(null, IsStoreAway: true);
        if (confirmed != StoreStatus.Ok) return default;

        // Groups are those of the sign-in, less what a newer token of theirs does not hold.
        if (await people.PresentAsync(caller) is not { } present) return new(null, IsStoreAway: true);
        ConsoleSession session = new(key, present, FormTokenOf(id), record.BegunAt, record.EndsAt)
        {
            MayAct = clock.GetUtcNow() - record.BegunAt < terms.GroupsMax,
        };
        return new(session, false);
    }

    /// <summary>Ends this session; false when the store did not confirm it.</summary>
    public async ValueTask<bool> EndAsync(ConsoleSession session) =>
        await store.EndAsync(session.Key) == StoreStatus.Ok;

    /// <summary>Ends every session of the same person; false when the store did not confirm it.</summary>
    public ValueTask<bool> EndAllAsync(ConsoleSession session) =>
        EndAllAsync(session.Caller.Issuer, session.Caller.Subject);

    /// <summary>The same of whoever this is.</summary>
    public async ValueTask<bool> EndAllAsync(string issuer, string subject) => await store.EndAllAsync(
        PersonOf(issuer, subject), clock.GetUtcNow(), terms.SessionMax) == StoreStatus.Ok;

    /// <summary>Ends what a cookie names, whether or not it can be opened: a new session never takes an old id
    /// over.</summary>
    public async ValueTask ForgetAsync(string? cookie)
    {
        if (IdIn(cookie) is { } id) await store.EndAsync(KeyOf(id));
    }

    /// <summary>Keeps somebody whom a provider vouched for until their browser, and no other, comes back; null when the
    /// store did not confirm it.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="request">The request of ours that was answered: what the browser must know.</param>
    /// <param name="notAfter">When the provider's session ends.</param>
    public async ValueTask<string?> HoldAsync(Caller caller, string request, DateTimeOffset notAfter)
    {
        byte[] id = RandomNumberGenerator.GetBytes(IdBytes);
        string key = TicketKeyOf(id, request);
        byte[] record = SessionRecord.Write(caller, clock.GetUtcNow(), notAfter);
        StoreStatus kept = await store.AddAsync(key, seal.Seal(key, record), ConsoleLimits.TicketWithin);
        return kept == StoreStatus.Ok ? Base64Url.EncodeToString(id) : null;
    }

    /// <summary>Takes what was held, once; null when there is nothing, or it was for another browser.</summary>
    public async ValueTask<(Caller Caller, DateTimeOffset NotAfter)?> TakeAsync(string? ticket, string request)
    {
        if (IdIn(ticket) is not { } id) return null;
        string key = TicketKeyOf(id, request);
        StoreResult<byte[]> found = await store.FindAsync(key);
        if (!found.IsOk || !seal.TryOpen(key, found.Value!, out byte[] opened)) return null;
        if (SessionRecord.Read(opened) is not { } record) return null;
        return await store.EndAsync(key) == StoreStatus.Ok ? (record.ToCaller(), record.EndsAt) : null;
    }

    // Under the request too: a ticket in another browser's address opens nothing there.
    private static string TicketKeyOf(byte[] id, string request) => "ticket:" + Convert.ToHexStringLower(
        HMACSHA256.HashData(id, Encoding.UTF8.GetBytes(request)));

    /// <summary>True for the token that this session's forms hold.</summary>
    public static bool IsFormToken(ConsoleSession session, string? given) =>
        given is not null && CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(session.FormToken));

    private static byte[]? IdIn(string? cookie)
    {
        if (cookie is null || cookie.Length > 2 * IdBytes || !Base64Url.IsValid(cookie)) return null;
        byte[] id = Base64Url.DecodeFromChars(cookie);
        return id.Length == IdBytes ? id : null;
    }

    private static string KeyOf(byte[] id) => Convert.ToHexStringLower(SHA256.HashData(id));

    private static string FormTokenOf(byte[] id) => Base64Url.EncodeToString(HMACSHA256.HashData(id, FormPurpose));

    private static string PersonOf(string issuer, string subject) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes(issuer + "\n" + subject)));

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
