using Countersign.Audit;
using Countersign.Cli.Audit;
using Countersign.Integration.Tests.EndToEnd;
using Xunit;

namespace Countersign.Integration.Tests.Audit;

/// <summary>How <c>countersign audit</c> shows calls that observation let through.</summary>
public sealed class ObservedCallTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 9, 12, 0, 0, TimeSpan.Zero);

    private readonly string _root = Directory.CreateTempSubdirectory("countersign-audit-cli-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task What_was_only_observed_is_told_from_what_was_done()
    {
        // Proves that a call which a rule denied and observation let through is not shown as a denial alone.
        string folder = Path.Combine(_root, "log");
        AuditLogOptions options = new() { Folder = folder, Origin = "countersign/test" };
        await using (AuditLog log = AuditLog.Open(options, TimeProvider.System).Log!)
        {
            Assert.True(log.TryReserve(out AuditReservation slot));
            new CallRecord(CallRecordType.Outcome)
            {
                Call = Guid.CreateVersion7(Noon), At = Noon, Subject = "bot", Function = "billing.refund",
                Decision = "deny", Enforced = "allow", Verdict = "ok", Status = 200,
            }.WriteTo(slot.Outcome);
            Assert.True(await log.CommitAsync(slot.Outcome));
            log.Return(slot);
        }

        CommandRun last = await RunAsync("tail", folder);
        Assert.Contains("decision=deny  enforced=allow  verdict=ok", last.Output, StringComparison.Ordinal);
        CommandRun cef = await RunAsync("export", folder, "--format", "cef");
        Assert.Contains(" act=allow outcome=ok ", cef.Output, StringComparison.Ordinal);
        Assert.Contains("flexString1Label=observed flexString1=deny", cef.Output, StringComparison.Ordinal);
    }

    private static Task<CommandRun> RunAsync(params string[] arguments) =>
        CommandRun.RunAsync(AuditCommand.Create, new Dictionary<string, string>(), arguments);
}
