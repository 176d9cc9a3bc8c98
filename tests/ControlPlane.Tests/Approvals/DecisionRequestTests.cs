using System.Text;
using Countersign.ControlPlane.Approvals;

namespace Countersign.ControlPlane.Tests.Approvals;

public sealed class DecisionRequestTests
{
    [Fact]
    public void A_decision_is_read()
    {
        // Proves reading; by both words, with and without a reason at its longest.
        Assert.Equal(
            new DecisionRequest(true, "sha256:ab", "fine"),
            DecisionRequest.Read("""{"decision":"approve","digest":"sha256:ab","reason":"fine"}"""u8, out _));
        Assert.Equal(
            new DecisionRequest(false, "sha256:ab", ""),
            DecisionRequest.Read("""{"digest":"sha256:ab","decision":"deny"}"""u8, out _));
        string longest = "{\"decision\":\"deny\",\"digest\":\"d\",\"reason\":\"" + new string('é', 500) + "\"}";
        Assert.NotNull(DecisionRequest.Read(Encoding.UTF8.GetBytes(longest), out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"approve\"")]
    [InlineData("{}")]
    [InlineData("""{"decision":"approve"}""")]
    [InlineData("""{"decision":"approve","digest":""}""")]
    [InlineData("""{"decision":"approve","digest":null}""")]
    [InlineData("""{"decision":"approve","digest":7}""")]
    [InlineData("""{"decision":"Approve","digest":"d"}""")]
    [InlineData("""{"decision":true,"digest":"d"}""")]
    [InlineData("""{"Decision":"approve","digest":"d"}""")]
    [InlineData("""{"decision":"approve","digest":"d","approver":"sam"}""")]
    [InlineData("""{"decision":"deny","decision":"approve","digest":"d"}""")]
    [InlineData("""{"decision":"approve","digest":"d","reason":"\ud800"}""")]
    [InlineData("""{"decision":"approve","digest":"d"} {}""")]
    [InlineData("""{"decision":"approve","digest":"d",}""")]
    public void Anything_else_is_not_a_decision(string body)
    {
        // Proves strictness; by bodies that are nearly decisions, each refused with a sentence.
        Assert.Null(DecisionRequest.Read(Encoding.UTF8.GetBytes(body), out string why));
        Assert.NotEmpty(why);
    }
}
