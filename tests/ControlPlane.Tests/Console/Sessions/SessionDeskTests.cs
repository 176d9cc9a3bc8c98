using Countersign.ControlPlane.Console;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.ControlPlane.Tests.Console.Sessions;

public sealed class SessionDeskTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(Drafts.Now);
    private readonly PayloadSeal _seal = new(new byte[32], PayloadSeal.SessionLabel);
    private readonly InMemorySessionStore _store;
    private readonly ScriptedApprovalStore _people;
    private readonly SessionDesk _desk;
    private readonly Caller _carol =
        new("https://issuer.test", "carol", CallerKind.Human, ["finance", "sre"], ["carol", "co"], "acme");

    public SessionDeskTests()
    {
        _store = new InMemorySessionStore(_clock);
        _people = new ScriptedApprovalStore(new InMemoryApprovalStore(_clock));
        _desk = new SessionDesk(
            _store, _seal, new ConsoleTerms(), new SeenPeople(_people, _clock), _clock);
    }

    private async Task<string> BeginAsync(Caller caller, DateTimeOffset? notAfter = null) =>
        (await _desk.BeginAsync(caller, notAfter))!.Value.Id;

    [Fact]
    public async Task A_session_gives_the_caller_back_and_the_store_holds_no_id()
    {
        // Proves that every part of the caller comes back, and that the id is in the store neither as key nor in a box.
        string id = await BeginAsync(_carol);
        Assert.Equal(43, id.Length);
        ConsoleSession session = (await _desk.FindAsync(id, isActivity: true)).Session!;
        Caller caller = session.Caller;
        Assert.Equal((_carol.Issuer, _carol.Subject, _carol.Kind, _carol.Tenant),
            (caller.Issuer, caller.Subject, caller.Kind, caller.Tenant));
        Assert.Equal(_carol.Groups, caller.Groups);
        Assert.Equal(_carol.Chain, caller.Chain);
        Assert.True(caller.IsPerson);
        (string key, byte[] box) = Assert.Single(_store.Boxes);
        Assert.NotEqual(id, key);
        Assert.Equal(-1, box.AsSpan().IndexOf("carol"u8));
        Assert.NotEqual(id, await BeginAsync(_carol));
    }

    [Fact]
    public async Task A_session_that_asks_the_api_is_good_until_it_ends()
    {
        // Proves that a stream opened with a session knows its end; by the session's, with a cookie and no token.
        string id = await BeginAsync(_carol, Drafts.Now.AddMinutes(7));
        static string Here() => "http://127.0.0.1:8081";
        KnownCallers callers = new(null!, _desk, new ConsoleCookies(_seal, Here, _clock), Here);
        DefaultHttpContext context = new();
        context.Request.Method = HttpMethods.Get;
        context.Request.Headers.Cookie = "countersign-session=" + id;
        BearerOutcome outcome = await callers.IdentifyAsync(context);
        Assert.Equal(("carol", true), (outcome.Caller?.Subject, outcome.IsFromSession));
        Assert.Equal(Drafts.Now.AddMinutes(7), outcome.GoodUntil);
    }

    [Fact]
    public async Task Groups_are_those_of_the_sign_in_less_what_was_lost_since_and_age()
    {
        // Proves that a session brings no group back that a newer token does not hold, gains none by one, is nobody's
        // while the store does not tell, and that an hour after signing in nobody acts.
        string id = await BeginAsync(_carol);
        await _people.NoteAsync(With(100, "finance", "sre"));
        Assert.Equal(["finance", "sre"], await GroupsAsync());
        await _people.NoteAsync(With(101, "sre", "admins"));
        Assert.Equal(["sre"], await GroupsAsync());
        await _people.NoteAsync(With(99, "finance", "sre"));
        Assert.Equal(["sre"], await GroupsAsync());
        _people.IsAway = true;
        Assert.True((await _desk.FindAsync(id, isActivity: true)).IsStoreAway);
        _people.IsAway = false;
        foreach ((int minutes, bool mayAct) in ((int, bool)[])[(29, true), (29, true), (2, false)])
        {
            _clock.Advance(TimeSpan.FromMinutes(minutes));
            Assert.Equal(mayAct, (await _desk.FindAsync(id, isActivity: true)).Session!.MayAct);
        }

        async Task<IReadOnlyList<string>> GroupsAsync() =>
            (await _desk.FindAsync(id, isActivity: true)).Session!.Caller.Groups;

        Caller With(long issuedAt, params string[] groups) =>
            new(_carol.Issuer, _carol.Subject, CallerKind.Human, groups, _carol.Chain, _carol.Tenant)
            {
                IssuedAt = issuedAt,
            };
    }

    [Fact]
    public async Task It_ends_when_idle_and_in_any_case()
    {
        // Proves both ends by moving the clock: 30 minutes without an act, and 8 hours whatever is done. A page that
        // keeps itself fresh is no act.
        string idle = await BeginAsync(_carol);
        _clock.Advance(TimeSpan.FromMinutes(29));
        Assert.NotNull((await _desk.FindAsync(idle, isActivity: false)).Session);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Null((await _desk.FindAsync(idle, isActivity: true)).Session);

        string busy = await BeginAsync(_carol);
        for (int step = 0; step < 23; step++)
        {
            _clock.Advance(TimeSpan.FromMinutes(20));
            Assert.NotNull((await _desk.FindAsync(busy, isActivity: true)).Session);
        }

        _clock.Advance(TimeSpan.FromMinutes(20));
        Assert.Null((await _desk.FindAsync(busy, isActivity: true)).Session);
    }

    [Fact]
    public async Task It_ends_at_once_here_or_everywhere()
    {
        // Proves that signing out ends one, everywhere ends all of that person and nobody else's, and that one begun
        // afterwards lives.
        string one = await BeginAsync(_carol), two = await BeginAsync(_carol);
        string sam = await BeginAsync(Drafts.Person("sam", "sre"));
        Assert.True(await _desk.EndAsync((await _desk.FindAsync(one, true)).Session!));
        Assert.Null((await _desk.FindAsync(one, true)).Session);
        ConsoleSession other = (await _desk.FindAsync(two, true)).Session!;
        Assert.True(await _desk.EndAllAsync(other));
        Assert.Null((await _desk.FindAsync(two, true)).Session);
        Assert.NotNull((await _desk.FindAsync(sam, true)).Session);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.NotNull((await _desk.FindAsync(await BeginAsync(_carol), true)).Session);
    }

    [Fact]
    public async Task Whoever_writes_to_the_store_cannot_be_somebody()
    {
        // Proves that a box of another session, of another key, or of nothing at all opens no session.
        string mine = await BeginAsync(Drafts.Person("mallory", "staff"));
        string key = Assert.Single(_store.Boxes).Key;
        await _desk.BeginAsync(_carol);
        byte[] hers = _store.Boxes.Single(pair => pair.Key != key).Value;
        _store.Plant(key, hers);
        Assert.Null((await _desk.FindAsync(mine, true)).Session);
        using PayloadSeal payloads = new(new byte[32]);
        _store.Plant(key, payloads.Seal(key, SessionRecord.Write(_carol, Drafts.Now, Drafts.Now.AddHours(1))));
        Assert.Null((await _desk.FindAsync(mine, true)).Session);
        _store.Plant(key, [1, 2, 3]);
        Assert.Null((await _desk.FindAsync(mine, true)).Session);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("not base64url!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task Another_cookie_is_no_session(string? cookie)
    {
        // Proves that whatever stands in the cookie leads to no session and no fault.
        Assert.Null((await _desk.FindAsync(cookie, true)).Session);
        await _desk.ForgetAsync(cookie);
    }

    [Fact]
    public async Task Forms_have_a_token_of_their_session()
    {
        // Proves that the token of one session, a changed one and none are no token of another.
        ConsoleSession one = (await _desk.FindAsync(await BeginAsync(_carol), true)).Session!;
        ConsoleSession two = (await _desk.FindAsync(await BeginAsync(_carol), true)).Session!;
        Assert.True(SessionDesk.IsFormToken(one, one.FormToken));
        Assert.False(SessionDesk.IsFormToken(one, two.FormToken));
        Assert.False(SessionDesk.IsFormToken(one, ""));
        Assert.False(SessionDesk.IsFormToken(one, null));
    }

    [Fact]
    public async Task A_store_that_is_away_is_said_to_be()
    {
        // Proves that nobody is taken for signed out, or in, while nobody knows.
        string id = await BeginAsync(_carol);
        _store.IsAway = true;
        SessionFinding found = await _desk.FindAsync(id, true);
        Assert.Equal((null, true), (found.Session, found.IsStoreAway));
        Assert.Null(await _desk.BeginAsync(_carol));
    }

    public void Dispose() => _seal.Dispose();
}
