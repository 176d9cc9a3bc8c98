using System.Text;
using Countersign.ControlPlane.Approvals;
using Countersign.Masking;
using Countersign.Policy;

namespace Countersign.ControlPlane.Tests.Approvals;

public sealed class ArgumentViewTests
{
    private static readonly Dictionary<string, TokenKey> NoKeys = [];

    private static readonly PolicySnapshot Policy =
        PolicyReader.Read(ControlFixture.Policy, ControlFixture.Words, 7).Snapshot!;

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/merge-patch+json; charset=UTF-8")]
    [InlineData("text/plain")]
    [InlineData("")]
    [InlineData("application/json;;;=")]
    public void Json_is_masked(string type)
    {
        // Proves that JSON is shown masked under any type its sender chose; by types that say so and that hide it.
        Assert.Equal("""{"SSN":"***","a":[1]}""", Mask("""{"SSN":"078-05-1120","a":[1]}""", type));
    }

    [Theory]
    [InlineData("", "application/json")]
    [InlineData("""{"ssn":"1"}""", "application/json; charset=utf-16")]
    [InlineData("""{"ssn":"1"} {"ssn":"2"}""", "application/json")]
    [InlineData("""{"ssn":"1","ssn":"2"}""", "application/json")]
    [InlineData("""{"ssn":"1""", "application/json")]
    public void What_is_not_one_json_value_is_not_shown(string body, string type)
    {
        // Proves that it fails closed; by bodies and types that cannot be masked with certainty.
        Assert.Equal("", Mask(body, type));
    }

    [Fact]
    public void Without_a_policy_nothing_is_shown_and_a_function_that_is_gone_is_masked_whole()
    {
        // Proves the two ends; by no policy, and by a cleared viewer of a function that no policy knows.
        byte[] body = """{"ssn":"1"}"""u8.ToArray();
        string[] cleared = ["pii-cleared"];
        Assert.True(ArgumentView.Mask(body, "application/json", null, cleared, "billing.reset", NoKeys).IsEmpty);
        ReadOnlyMemory<byte> gone =
            ArgumentView.Mask(body, "application/json", Policy, cleared, "gone.function", NoKeys);
        Assert.Equal("""{"ssn":"***"}""", Encoding.UTF8.GetString(gone.Span));
    }

    private static string Mask(string body, string type) => Encoding.UTF8.GetString(
        ArgumentView.Mask(Encoding.UTF8.GetBytes(body), type, Policy, ["finance"], "billing.reset", NoKeys).Span);
}
