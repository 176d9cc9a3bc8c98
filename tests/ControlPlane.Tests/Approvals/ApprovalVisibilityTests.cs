using System.Net;
using System.Text.Json;
using Countersign.Policy;

namespace Countersign.ControlPlane.Tests.Approvals;

/// <summary>Who is shown an approval, and what others learn of it.</summary>
public sealed class ApprovalVisibilityTests
{
    private const string Path = "/api/v1/approvals";
    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Fact]
    public async Task An_approval_is_shown_to_those_it_concerns_alone()
    {
        // Proves visibility over HTTP; by everybody's own view of one approval and of the list.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync();
        (string Token, string Problem)[] viewers =
        [
            (gate.Token("deploy-bot", "ci"), ""), (gate.Token("sam", "sre"), ""),
            (gate.Token("dave", "sre"), ""), (gate.Token("pat", "policy-admins"), ""),
            (gate.Token("dave", "staff"), "duty-conflict"), (gate.Token("mallory", "staff"), "not-found"),
            (gate.Token("fay-bot", "finance"), "not-found"),
        ];
        foreach ((string token, string problem) in viewers)
        {
            Answer one = await gate.GetAsync(Path + "/" + id, token);
            Assert.Equal(problem.Length == 0, one.Status == HttpStatusCode.OK);
            Assert.Equal(problem, one.Problem);
            Answer list = await gate.GetAsync(Path + "?status=pending", token);
            Assert.Equal(problem.Length == 0 ? 1 : 0, list.Json.GetProperty("items").GetArrayLength());
        }

        Assert.Equal("not-found", (await gate.GetAsync(Path + "/no-id", gate.Token("sam", "sre"))).Problem);
    }

    [Theory]
    [InlineData("deploy-bot", 1)]
    [InlineData("bob", 1)]
    [InlineData("agent-7", 1)]
    [InlineData("agent", 0)]
    [InlineData("dave", 0)]
    public async Task A_list_is_narrowed_to_who_asked(string caller, int items)
    {
        // Proves that an agent is found by its own name and by that of whose token it acts with; by one of each kind of
        // requester, a part of a name, and a person who stands behind the job and asked for nothing.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        await gate.AskAsync();
        await gate.AskAsync(draft => draft with
        {
            Requester = draft.Requester with
            {
                Subject = "bob",
                Kind = CallerKind.Agent,
                Chain = ["bob"],
                Actor = Drafts.Job.Issuer + "\nagent-7",
            },
        });
        Answer list = await gate.GetAsync(Path + "?caller=" + caller, gate.Token("sam", "sre"));
        Assert.Equal(items, list.Json.GetProperty("items").GetArrayLength());
    }

    [Theory]
    [InlineData("mallory", "staff", HttpStatusCode.NotFound)]
    [InlineData("fay-bot", "finance", HttpStatusCode.NotFound)]
    [InlineData("dave", "staff", HttpStatusCode.Forbidden)]
    public async Task Every_act_is_answered_as_a_look_is(string who, string group, HttpStatusCode status)
    {
        // Proves that an act tells no more of an approval than a look at it, by every act of a stranger, of an agent in
        // a stage's group and of a person behind the job: the same bytes as for a look, and to who may not know of it
        // the same as where there is none. Each attempt is audited, and moves nothing.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string id = await gate.AskAsync(), token = gate.Token(who, group);
        string none = Path + "/" + Guid.CreateVersion7().ToString("D");
        Answer look = await gate.GetAsync(Path + "/" + id, token);
        Assert.Equal(status, look.Status);
        Assert.Equal(look.Body, (await gate.GetAsync($"{Path}/{id}/earlier", token)).Body);
        string said = JsonSerializer.Serialize(new { digest = Drafts.DigestOf(id), reason = "x" });
        (string Act, string Body)[] acts =
        [
            ("decisions", said.Replace("{", """{"decision":"approve",""", StringComparison.Ordinal)),
            ("break-glass", said), ("review", """{"note":"x"}"""), ("cancel", ""), ("revoke", ""), ("withdraw", ""),
            ("reveal", """{"pointer":"/ssn","reason":"x"}"""),
        ];
        foreach ((string act, string body) in acts)
        {
            Answer refused = await gate.PostAsync($"{Path}/{id}/{act}", token, body);
            Assert.Equal((act, look.Status, look.Body), (act, refused.Status, refused.Body));
            Answer absent = await gate.PostAsync($"{none}/{act}", token, body);
            Assert.Equal(HttpStatusCode.NotFound, absent.Status);
            if (status == HttpStatusCode.NotFound) Assert.Equal(look.Body, absent.Body);
        }

        Assert.Equal(0, gate.Store.Moves);
        var tried = await gate.ActsAsync();
        Assert.Equal(acts.Length, tried.Count(act => act.Subject == id && act.Event.EndsWith("-refused", Ordinal)));
    }
}
