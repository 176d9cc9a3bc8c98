using System.Text;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Policy.Tests.Approvals;

public sealed class ApprovalCodecTests
{
    [Fact]
    public void What_is_written_is_read()
    {
        // Proves that nothing is lost on the way, by writing what was read and comparing the bytes and the lists.
        Approval approved = Samples.Approved();
        byte[] written = ApprovalCodec.Write(approved);
        Approval read = ApprovalCodec.Read(written)!;
        Assert.Equal(written, ApprovalCodec.Write(read));
        Assert.Equal(approved.ExpiresAt, read.ExpiresAt);
        Assert.Equal(approved.Requester.Chain, read.Requester.Chain);
        Assert.Equal(approved.Decisions[1].Qualifies, read.Decisions[1].Qualifies);
        Assert.Equal(approved.Stages[1].Groups, read.Stages[1].Groups);
        Assert.Equal(approved.State, read.State);
    }

    [Fact]
    public void A_broken_glass_and_its_review_are_kept()
    {
        // Proves that who did it, why and for whom it stands are not lost, by writing what was read.
        Approval broken = Samples.Approved() with
        {
            Claimant = "gateway-1/7",
            BreakGlass = [["oncall"], ["sre", "ops"]],
            Broken = new ApprovalAct("https://issuer.test", "otto", ["otto"], "the site is down", Samples.Now),
            Review = new ApprovalAct("https://issuer.test", "fay", ["fay"], "it was", Samples.Now),
        };
        byte[] written = ApprovalCodec.Write(broken);
        Approval read = ApprovalCodec.Read(written)!;
        Assert.Equal(written, ApprovalCodec.Write(read));
        Assert.Equal("the site is down", read.Broken!.Reason);
        Assert.Equal(broken.BreakGlass[1], read.BreakGlass[1]);
        Assert.False(read.OwesReview);
    }

    [Fact]
    public void Who_acts_is_kept_in_a_form_of_its_own()
    {
        // Proves that the agent is not lost, with duties and without, and that gateways of before, which know no such
        // form, do not read the approval as one of the person's: as form 2 or 3 it is none.
        Approval asked = Samples.Approved();
        asked = asked with { Requester = asked.Requester with { Actor = "https://issuer.test\nagent-7" } };
        Approval[] both =
            [asked, asked with { Duties = [new Duty("create-then-pay", "k", TimeSpan.FromDays(30))] }];
        foreach (Approval one in both)
        {
            byte[] written = ApprovalCodec.Write(one);
            string text = Encoding.UTF8.GetString(written);
            Assert.StartsWith("{\"v\":4,", text, StringComparison.Ordinal);
            Assert.Equal(one.Requester.Actor, ApprovalCodec.Read(written)!.Requester.Actor);
            Assert.Equal(one.Duties.Count, ApprovalCodec.Read(written)!.Duties.Count);
            Assert.Equal(written, ApprovalCodec.Write(ApprovalCodec.Read(written)!));
            foreach (string form in new[] { "\"v\":1,", "\"v\":2,", "\"v\":3," })
            {
                string other = text.Replace("\"v\":4,", form, StringComparison.Ordinal);
                Assert.Null(ApprovalCodec.Read(Encoding.UTF8.GetBytes(other)));
            }
        }

        // What nobody else acts in stays readable for them.
        string plain = Encoding.UTF8.GetString(ApprovalCodec.Write(Samples.Approved()));
        Assert.DoesNotContain("actor", plain, StringComparison.Ordinal);
        Assert.Null(ApprovalCodec.Read(Encoding.UTF8.GetBytes(
            plain.Replace("\"v\":2,", "\"v\":4,", StringComparison.Ordinal))));
    }

    [Fact]
    public void The_form_before_is_read()
    {
        // Proves that an upgrade leaves what waits readable, by a document without what came with form 2.
        string now = Encoding.UTF8.GetString(ApprovalCodec.Write(Samples.Approved()));
        string before = now.Replace("\"v\":2", "\"v\":1", StringComparison.Ordinal).Replace(
            ",\"claimant\":\"\",\"breakGlass\":[],\"broken\":null,\"review\":null",
            "", StringComparison.Ordinal);
        Assert.Equal(ApprovalState.Approved, ApprovalCodec.Read(Encoding.UTF8.GetBytes(before))!.State);
    }

    [Theory]
    [InlineData("\"v\":2", "\"v\":3")]
    [InlineData("\"v\":2", "\"v\":1")]
    [InlineData("\"v\":2,", "")]
    [InlineData("\"v\":2,", "\"v\":2,\"v\":2,")]
    [InlineData("\"v\":2,", "\"v\":2,\"extra\":true,")]
    [InlineData("\"claimant\":\"\",", "")]
    [InlineData("\"breakGlass\":[]", "\"breakGlass\":[[]]")]
    [InlineData("\"state\":\"approved\"", "\"state\":\"Approved\"")]
    [InlineData("\"state\":\"approved\"", "\"state\":2")]
    [InlineData("\"state\":\"approved\"", "\"state\":\"\"")]
    [InlineData("\"move\":3", "\"move\":0")]
    [InlineData("\"risk\":4", "\"risk\":9")]
    [InlineData("\"groups\":[\"sre\"]", "\"groups\":[null]")]
    [InlineData("\"count\":1", "\"count\":0")]
    [InlineData("\"stage\":1", "\"stage\":2")]
    [InlineData("\"approve\":true", "\"approve\":false")]
    [InlineData("\"reason\":\"the books are wrong\"", "\"reason\":null")]
    public void Anything_else_is_refused(string from, string to)
    {
        // Proves strict reading, by one change at a time to a good document.
        string good = Encoding.UTF8.GetString(ApprovalCodec.Write(Samples.Approved()));
        string bad = good.Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(good, bad);
        Assert.Null(ApprovalCodec.Read(Encoding.UTF8.GetBytes(bad)));
    }

    [Fact]
    public void Every_state_has_one_name()
    {
        // Proves that names and states map one to one, and that no other word is a state.
        foreach (ApprovalState state in Enum.GetValues<ApprovalState>())
            Assert.Equal(state, ApprovalStates.Named(ApprovalStates.NameOf(state)));
        Assert.Equal(ApprovalState.None, ApprovalStates.Named("PENDING"));
        Assert.Equal("", ApprovalStates.NameOf((ApprovalState)200));
    }
}
