using System.Text.Json;
using Countersign.Audit;
using Countersign.ControlPlane.AuditTrail;
using Countersign.ControlPlane.Console;
using Countersign.ControlPlane.Console.Sessions;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Countersign.ControlPlane.Tests.Console;

/// <summary>What the log has of who signs in and out.</summary>
public sealed class SignInEndpointsTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-sign-in-").FullName;
    private readonly FakeTimeProvider _clock = new(Drafts.Now);
    private readonly PayloadSeal _seal = new(new byte[32], PayloadSeal.SessionLabel);
    private readonly ServiceProvider _provider = new ServiceCollection().BuildServiceProvider();
    private readonly Caller _carol = Drafts.Person("carol", "sre");
    private readonly InMemorySessionStore _store;
    private readonly AuditLog _log;
    private readonly SessionDesk _desk;
    private readonly SignInEndpoints _entrance;

    public SignInEndpointsTests()
    {
        _store = new InMemorySessionStore(_clock);
        _log = AuditLog.Open(
            new AuditLogOptions { Folder = Path.Combine(_folder, "audit"), Origin = "countersign/test" },
            TimeProvider.System).Log!;
        ControlPlaneOptions options = new() { Listen = [], Gateway = "test" };
        SeenPeople people = new(new InMemoryApprovalStore(_clock), _clock);
        _desk = new SessionDesk(_store, _seal, options.Console, people, _clock);
        ConsoleCookies cookies = new(_seal, () => "http://console.test", _clock);
        ConsoleGate gate = new(
            null!, _desk, cookies, new PageRenderer(_provider, NullLoggerFactory.Instance), options,
            () => "http://console.test", () => "");
        _entrance = new SignInEndpoints(
            gate, _desk, cookies, null, null, people, new ActLog(_log, "test", _clock), () => "http://console.test",
            _clock, NullLogger.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        await _provider.DisposeAsync();
        _seal.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Signing_in_and_out_is_intended_then_done_with_the_end_of_the_session()
    {
        // Proves that both acts are written before and after, and that the end told is that of the session itself.
        DefaultHttpContext context = new();
        DateTimeOffset providerEnds = Drafts.Now.AddMinutes(7);
        Reply reply = await _entrance.BeginSessionAsync(context, _carol, ConsolePaths.Inbox, providerEnds);
        Assert.Equal(303, reply.Status);
        ConsoleSession session = (await _desk.FindAsync(IdIn(context), isActivity: true)).Session!;
        Assert.Equal(providerEnds, session.EndsAt);
        await _entrance.LeaveAsync(context, session, new PostedForm(new() { ["everywhere"] = "yes" }));
        Assert.Null((await _desk.FindAsync(IdIn(context), isActivity: true)).Session);
        await _log.DisposeAsync();
        Assert.Equal(
            [
                ("console-sign-in", "carol", ""),
                ("console-signed-in", "carol", "signed in until 2026-03-01T12:07:00Z"),
                ("console-sign-out", "carol", "everywhere"),
                ("console-signed-out", "carol", "signed out; everywhere"),
            ],
            Acts());
    }

    [Fact]
    public async Task Without_a_record_nobody_signs_in_or_out()
    {
        // Proves with a log that takes nothing that no session is begun, no cookie set and none ended: 503.
        DefaultHttpContext first = new();
        await _entrance.BeginSessionAsync(first, _carol, ConsolePaths.Inbox, null);
        ConsoleSession session = (await _desk.FindAsync(IdIn(first), isActivity: true)).Session!;
        int held = _store.Boxes.Count;
        await _log.DisposeAsync();
        DefaultHttpContext second = new();
        Reply reply = await _entrance.BeginSessionAsync(second, _carol, ConsolePaths.Inbox, null);
        Assert.Equal(503, reply.Status);
        Assert.Equal(0, second.Response.Headers.SetCookie.Count);
        Reply left = await _entrance.LeaveAsync(second, session, new PostedForm([]));
        Assert.Equal(503, left.Status);
        Assert.Equal(held, _store.Boxes.Count);
        Assert.NotNull((await _desk.FindAsync(IdIn(first), isActivity: true)).Session);
    }

    private static string IdIn(DefaultHttpContext context)
    {
        const string Name = "countersign-session=";
        string cookie = context.Response.Headers.SetCookie.First(
            one => one!.StartsWith(Name, StringComparison.Ordinal) && one[Name.Length] != ';')!;
        return cookie[Name.Length..cookie.IndexOf(';', StringComparison.Ordinal)];
    }

    private IEnumerable<(string Event, string Who, string Detail)> Acts()
    {
        foreach (AuditEntry entry in AuditReader.Between(_log.Folder, 0, long.MaxValue))
        {
            using JsonDocument told = JsonDocument.Parse(entry.Payload);
            JsonElement record = told.RootElement;
            yield return (
                record.GetProperty("event").GetString()!, record.GetProperty("actor").GetProperty("sub").GetString()!,
                record.TryGetProperty("detail", out JsonElement detail) ? detail.GetString()! : "");
        }
    }
}
