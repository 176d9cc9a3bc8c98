using System.Globalization;
using System.Text;
using Countersign.Kit;
using Countersign.Policy;
using Countersign.Policy.Approvals;
using Countersign.Policy.Redis;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Integration.Tests.Store;

/// <summary>
/// Random commands, from a seed, to a real store and to the one in memory: both must say the same after each. Gateways
/// are played by holding on to approvals that were read earlier, so that most moves are stale as they are in a race.
/// </summary>
public abstract class ApprovalModelTests(StoreServer server)
{
    private const int Commands = 1_200;

    private static readonly string[] Approvers = ["fay", "gil", "sam", "ann"];

    [Theory]
    [InlineData(1)]
    [InlineData(20_260)]
    [InlineData(777_777)]
    public async Task The_store_does_what_the_model_does(int seed)
    {
        // Proves every move and every refusal of one, by what both stores answer; a failure names seed and step.
        await server.ResetAsync();
        await using RedisStore connection = await RedisStore.ConnectAsync(server.Connection, NullLogger.Instance);
        RedisApprovalStore real = await RedisApprovalStore.OpenAsync(connection, NullLogger.Instance);
        Walk walk = new(real, new InMemoryApprovalStore(TimeProvider.System), new Random(seed));
        for (int step = 0; step < Commands; step++)
        {
            (string command, string fromReal, string fromModel) = await walk.StepAsync();
            Assert.True(
                fromReal == fromModel,
                $"seed {seed}, step {step}, {command}: the store says {fromReal}, the model {fromModel}");
        }

        Assert.True(walk.Moved > Commands / 10, $"only {walk.Moved} moves were made");
    }

    /// <summary>One walk through both stores.</summary>
    private sealed class Walk(RedisApprovalStore real, InMemoryApprovalStore model, Random chance)
    {
        // By id, every form that was ever read of it.
        private readonly List<Approval> _read = [];
        private readonly List<string> _digests = [];

        internal int Moved { get; private set; }

        internal async Task<(string Command, string Real, string Model)> StepAsync() => chance.Next(10) switch
        {
            0 or 1 => await AskAsync(),
            2 => await FindAsync(),
            3 => await NoteAsync(),
            4 => await LeftoversAsync(),
            5 when chance.Next(2) == 0 => await BindAsync(),
            _ => await MoveAsync(),
        };

        private async Task<(string, string, string)> AskAsync()
        {
            bool isNew = _digests.Count == 0 || chance.Next(2) == 0;
            bool isLate = chance.Next(6) == 0;
            Approval draft = Drafts.New(
                isNew ? null : _digests[chance.Next(_digests.Count)],
                isLate ? TimeSpan.FromSeconds(-1) : null) with
            {
                Stages = chance.Next(2) == 0
                    ? [new(["finance"], 1)]
                    : [new(["finance"], 2), new(["sre"], 1)],
                BreakGlass = chance.Next(2) == 0 ? [] : [["oncall"]],
                UseWithin = isLate || chance.Next(5) == 0 ? TimeSpan.Zero : TimeSpan.FromMinutes(5),
            };
            if (isNew) _digests.Add(draft.Digest);
            byte[] run = chance.Next(3) == 0 ? "run"u8.ToArray() : [];
            string? key = chance.Next(3) == 0 ? "key-" + chance.Next(6).ToString(CultureInfo.InvariantCulture) : null;
            return await BothAsync(
                $"ask {draft.Digest[..14]} {(isLate ? "late " : "")}{key}",
                store => store.AskAsync(draft, "sealed"u8.ToArray(), new AskExtras(run, key)));
        }

        private async Task<(string, string, string)> BindAsync()
        {
            Approval approval = _read.Count == 0 ? Drafts.New() : _read[chance.Next(_read.Count)];
            string key = "key-" + chance.Next(12).ToString(CultureInfo.InvariantCulture);
            StoreStatus fromReal = await real.BindAsync(approval, key);
            StoreStatus fromModel = await model.BindAsync(approval, key);
            return ($"bind {key} to {approval.Id}", fromReal.ToString(), fromModel.ToString());
        }

        private Task<(string, string, string)> FindAsync()
        {
            string id = _read.Count == 0 ? "none" : _read[chance.Next(_read.Count)].Id;
            return BothAsync("find " + id, store => store.FindAsync(id));
        }

        private async Task<(string, string, string)> NoteAsync()
        {
            string[] groups = chance.Next(3) switch { 0 => [], 1 => ["finance"], _ => ["finance", "sre"] };
            Caller person = Drafts.Person(Approvers[chance.Next(Approvers.Length)], chance.Next(1, 50), groups);
            StoreStatus fromReal = await real.NoteAsync(person);
            StoreStatus fromModel = await model.NoteAsync(person);
            return ($"note {person.Subject}", fromReal.ToString(), fromModel.ToString());
        }

        private async Task<(string, string, string)> LeftoversAsync()
        {
            string id = _read.Count == 0 ? "none" : _read[chance.Next(_read.Count)].Id;
            bool takes = chance.Next(3) == 0;
            byte[] outcome = Encoding.ASCII.GetBytes("outcome of " + id);
            return ($"leftovers {id}", await TextAsync(real), await TextAsync(model));

            async Task<string> TextAsync(IApprovalStore store)
            {
                StringBuilder text = new();
                text.Append((await store.KeepOutcomeAsync(id, outcome, TimeSpan.FromHours(1))).ToString());
                text.Append(' ').Append((await store.PayloadAsync(id)).Status);
                text.Append(' ').Append((await store.RunAsync(id)).Status);
                text.Append(' ').Append((await store.OutcomeAsync(id)).Status);
                if (takes) text.Append(' ').Append((await store.TakeOutcomeAsync(id)).Status);
                return text.ToString();
            }
        }

        // Of something read now or long ago: the rules say what it would become, the stores whether it does.
        private async Task<(string, string, string)> MoveAsync()
        {
            if (_read.Count == 0) return await AskAsync();
            Approval from = chance.Next(3) == 0
                ? _read[chance.Next(_read.Count)]
                : (await model.FindAsync(_read[^(1 + chance.Next(Math.Min(12, _read.Count)))].Id)).Value!;
            (string name, MoveOutcome move) = Choose(from);
            if (!move.IsMoved) return ($"{name} refused", "", "");
            IReadOnlyList<SeenPerson>? seen = name == "claim" ? (await model.SeenAsync(from)).Value : null;
            if (seen is not null && chance.Next(8) == 0) seen = [.. seen.Select(one => one with { Stored = "0\n[]" })];
            return await BothAsync(
                $"{name} {from.Id} v{from.Version}", store => store.MoveAsync(from, move.Next!, seen));
        }

        private (string, MoveOutcome) Choose(Approval from)
        {
            DateTimeOffset now = from.CreatedAt;
            string[] groups = chance.Next(2) == 0 ? ["finance"] : ["finance", "sre", "oncall"];
            Caller person = Drafts.Person(Approvers[chance.Next(Approvers.Length)], 1, groups);
            ApprovalState[] ends = [ApprovalState.Executed, ApprovalState.Failed, ApprovalState.Unknown];
            return chance.Next(11) switch
            {
                0 or 1 or 2 => ("approve", ApprovalRules.Decide(from, person, true, from.Digest, "", now)),
                3 => ("deny", chance.Next(4) == 0
                    ? ApprovalRules.Decide(from, person, false, from.Digest, "", now)
                    : default),
                4 => ("withdraw", ApprovalRules.Withdraw(from, person, now)),
                5 => ("cancel", chance.Next(3) == 0 ? ApprovalRules.Cancel(from, Drafts.Agent, now) : default),
                6 => ("revoke", chance.Next(2) == 0 ? ApprovalRules.Revoke(from, person, now) : default),
                7 => ("claim", ApprovalRules.Claim(from, Drafts.Agent, from.Function, from.Digest, now, "c", "g/1")),
                8 => ("finish", ApprovalRules.Finish(from, ends[chance.Next(ends.Length)])),
                9 => ("break", BreakGlassRules.Break(from, person, from.Digest, "down", now)),
                _ => chance.Next(2) == 0
                    ? ("review", BreakGlassRules.Review(from, person, "seen", now))
                    : ("void", ApprovalRules.Void(from)),
            };
        }

        private async Task<(string, string, string)> BothAsync(
            string command, Func<IApprovalStore, ValueTask<StoreResult<Approval>>> ask)
        {
            StoreResult<Approval> fromReal = await ask(real);
            StoreResult<Approval> fromModel = await ask(model);
            if (fromModel.IsOk)
            {
                _read.Add(fromModel.Value!);
                if (!command.StartsWith("find", StringComparison.Ordinal)) Moved++;
            }

            return (command, Told(fromReal), Told(fromModel));
        }

        // All but the ends of windows, which each clock says for itself.
        private static string Told(StoreResult<Approval> told)
        {
            if (told.Value is not { } approval) return told.Status.ToString();
            string document = Encoding.UTF8.GetString(ApprovalCodec.Write(approval with { ExpiresAt = default }));
            return $"{told.Status} runs={approval.Runs} outcome={approval.HasOutcome} "
                + $"told={approval.IsOutcomeTold} {document}";
        }
    }
}

/// <summary>The model against Redis.</summary>
public sealed class RedisApprovalModelTests(RedisServer server)
    : ApprovalModelTests(server), IClassFixture<RedisServer>;

/// <summary>The model against the embedded store.</summary>
public sealed class GarnetApprovalModelTests(GarnetServer server)
    : ApprovalModelTests(server), IClassFixture<GarnetServer>;
