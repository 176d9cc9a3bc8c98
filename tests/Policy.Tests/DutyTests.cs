using Countersign.Policy.Approvals;
using Countersign.Policy.Conditions;
using Countersign.Policy.Tests.Approvals;

namespace Countersign.Policy.Tests;

public sealed class DutyTests
{
    private static readonly MaskVocabulary Words = new(static _ => null, static _ => null);

    private const string Text = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://h"] } }
        functions:
          vendors.create: { upstream: up, method: POST, path: /vendors, risk: high }
          vendors.pay: { upstream: up, method: POST, path: "/vendors/{vendor}/payments", risk: high }
          vendors.get: { upstream: up, method: GET, path: "/vendors/{vendor}", risk: low }
        rules: [{ id: all, subjects: { groups: [staff] }, functions: ["*"], effect: allow, alone: "a test" }]
        separations:
          - { id: apart, kind: dynamic, functions: [vendors.create, "*.pay"], object: args.vendor_id, window: 30d }
        """;

    // Proves which functions are covered, and that their bodies are asked for.
    [Theory]
    [InlineData("vendors.create", true)]
    [InlineData("vendors.pay", true)]
    [InlineData("vendors.get", false)]
    public void What_is_covered_is_known(string function, bool isCovered)
    {
        PolicySnapshot policy = Read(Text);
        Assert.Equal(isCovered, policy.HasDuties(policy.Find(function)!));
        Assert.Equal(isCovered, policy.DutiesReadArguments(policy.Find(function)!));
    }

    // Proves what is one object and what is not: the value, however it is written, of one tenant.
    [Fact]
    public void An_object_is_its_value_in_its_tenant()
    {
        Duty seven = Assert.Single(DutiesOf(Text, """{"vendor_id":7}""")!);
        Assert.Equal(("apart", TimeSpan.FromDays(30)), (seven.Separation, seven.Window));
        Assert.Equal(seven, Assert.Single(DutiesOf(Text, """{"vendor_id":"7"}""")!));
        Assert.Equal(seven, Assert.Single(DutiesOf(Text, """{"vendor_id":7.0}""")!));
        Assert.Equal(seven, Assert.Single(DutiesOf(Text, """{"vendor_id":"70e-1"}""")!));
        Assert.Equal(KeyOf("100000000000000000"), KeyOf("1e17"));
        Assert.Equal(KeyOf("0"), KeyOf("-0.0"));
        Assert.NotEqual(seven.Key, KeyOf("8"));
        Assert.NotEqual(seven.Key, DutiesOf(Text, """{"vendor_id":7}""", "other")![0].Key);
        Assert.DoesNotContain("secret", DutiesOf(Text, """{"vendor_id":"secret"}""")![0].Key, StringComparison.Ordinal);
        Assert.NotEqual(Duty.Of("s", "a", "bc", default).Key, Duty.Of("s", "ab", "c", default).Key);
    }

    // Proves that an object that cannot be told is no object, and in observe is left out.
    [Theory]
    [InlineData("{}")]
    [InlineData("""{"vendor_id":null}""")]
    [InlineData("""{"vendor_id":[7]}""")]
    [InlineData("""{"vendor_id":7,"vendor_id":8}""")]
    [InlineData("not json")]
    public void An_object_that_cannot_be_told_is_an_error(string body)
    {
        Assert.Null(DutiesOf(Text, body));
        Assert.Empty(DutiesOf(Text + "\nmode: observe", body)!);
    }

    // Proves whom a call counts for: every person of the chain, whatever the case, and no machine that has one.
    [Fact]
    public void The_people_are_the_chain()
    {
        string ann = Assert.Single(Duty.PeopleOf(new Caller("i", "robot", CallerKind.Agent, [], ["ann"])));
        Assert.Equal(ann, Assert.Single(Duty.PeopleOf(new Caller("j", "Ann", CallerKind.Human, [], ["ANN"]))));
        Assert.Equal(2, Duty.PeopleOf(new Caller("i", "robot", CallerKind.Agent, [], ["ann", "bob"])).Count);
        Assert.NotEqual(ann, Assert.Single(Duty.PeopleOf(new Caller("i", "robot", CallerKind.Service, [], []))));
    }

    // Proves that a stored approval keeps its duties, and that a form which has none may not hold any.
    [Fact]
    public void Duties_are_kept_with_the_approval()
    {
        Approval approval = Samples.Approved() with { Duties = [Duty.Of("apart", "acme", "7", TimeSpan.FromDays(30))] };
        byte[] written = ApprovalCodec.Write(approval);
        Assert.Equal(approval.Duties, ApprovalCodec.Read(written)!.Duties);
        string text = System.Text.Encoding.UTF8.GetString(written);
        string older = text.Replace("\"v\":3", "\"v\":2", StringComparison.Ordinal);
        Assert.NotEqual(text, older);
        Assert.Null(ApprovalCodec.Read(System.Text.Encoding.UTF8.GetBytes(older)));
        Assert.StartsWith("{\"v\":2", System.Text.Encoding.UTF8.GetString(ApprovalCodec.Write(Samples.Approved())),
            StringComparison.Ordinal);
    }

    // Proves that what cannot be enforced is not published, and says why.
    [Theory]
    [InlineData("[vendors.create, \"*.pay\"]", "[vendors.create]", "needs two functions")]
    [InlineData("[vendors.create, \"*.pay\"]", "[vendors.create, vendors.pya]", "there is no function 'vendors.pya'")]
    [InlineData("args.vendor_id", "path.vendor", "vendor")]
    [InlineData("args.vendor_id", "\"args.\"", "")]
    [InlineData("args.vendor_id", "\"[1]\"", "")]
    [InlineData("window: 30d", "window: 500d", "window must be 1s to 400d")]
    [InlineData(", window: 30d", "", "needs 'window'")]
    [InlineData("object: args.vendor_id, ", "", "needs 'object'")]
    [InlineData("kind: dynamic", "kind: static", "'functions' is not a key of a separation")]
    [InlineData("window: 30d", "window: 30d, groups: [a, b]", "'groups' is not a key of a dynamic separation")]
    public void What_cannot_be_kept_apart_is_refused(string part, string other, string fault)
    {
        string text = Text.Replace(part, other, StringComparison.Ordinal);
        Assert.NotEqual(Text, text);
        PolicyReading reading = PolicyReader.Read(text, Words);
        Assert.Null(reading.Snapshot);
        Assert.Contains(reading.Errors, error => error.Message.Contains(fault, StringComparison.Ordinal));
    }

    private static string KeyOf(string vendor) => DutiesOf(Text, $$"""{"vendor_id":{{vendor}}}""")![0].Key;

    private static IReadOnlyList<Duty>? DutiesOf(string text, string body, string tenant = "acme")
    {
        PolicySnapshot policy = Read(text);
        CallFacts facts = new()
        {
            Caller = new Caller("i", "ann", CallerKind.Human, ["staff"], ["ann"], tenant),
            Form = ArgumentsForm.Json,
            Arguments = System.Text.Encoding.UTF8.GetBytes(body),
        };
        IReadOnlyList<Duty>? duties = policy.DutiesOf(policy.Find("vendors.create")!, facts, out string fault);
        Assert.Equal(duties is { Count: > 0 }, fault.Length == 0);
        return duties;
    }

    private static PolicySnapshot Read(string text)
    {
        PolicyReading reading = PolicyReader.Read(text, Words);
        Assert.True(reading.Snapshot is not null, string.Join("; ", reading.Errors));
        return reading.Snapshot!;
    }
}
