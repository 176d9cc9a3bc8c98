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

    [Theory]
    [InlineData("\"v\":1", "\"v\":2")]
    [InlineData("\"v\":1,", "")]
    [InlineData("\"v\":1,", "\"v\":1,\"v\":1,")]
    [InlineData("\"v\":1,", "\"v\":1,\"extra\":true,")]
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
