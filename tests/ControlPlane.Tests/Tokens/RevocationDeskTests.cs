using System.Net;
using System.Text.Json;
using Countersign.Kit;
using Xunit;

namespace Countersign.ControlPlane.Tests.Tokens;

/// <summary>What may be revoked, and for how long it is remembered.</summary>
public sealed class RevocationDeskTests
{
    private const string Path = "/api/v1/revocations";

    [Theory]
    [InlineData("subject", "https://issuer.test/", "Did you mean 'https://issuer.test'?")]
    [InlineData("id", "https://ISSUER.test", "Did you mean 'https://issuer.test'?")]
    [InlineData("subject", "https://nope.test", "to the letter")]
    public async Task An_issuer_that_nobody_has_is_refused(string member, string issuer, string says)
    {
        // Proves that a name that no token can have is no success: 400, with the name that was likely meant, and
        // nothing is written.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer refused = await FileAsync(gate, $$"""{"issuer":"{{issuer}}","{{member}}":"alice"}""");
        Assert.Equal((HttpStatusCode.BadRequest, "malformed-request"), (refused.Status, refused.Problem));
        Assert.Contains(says, refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Answer list = await gate.GetAsync(Path, gate.Token("root", "policy-admins"));
        Assert.Equal(0, list.Json.GetProperty("items").GetArrayLength());
        Answer denied = await gate.PostAsync(Path, gate.Token("dave"), $$"""{"issuer":"{{issuer}}","subject":"x"}""");
        Assert.Equal("denied", denied.Problem);
    }

    [Fact]
    public async Task The_gateways_own_tokens_have_an_issuer_too()
    {
        // Proves that a jti of the listener's own tokens can be named.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer filed = await FileAsync(gate, $$"""{"issuer":"{{gate.Address}}","id":"7"}""");
        Assert.Equal(HttpStatusCode.Created, filed.Status);
    }

    [Theory]
    [InlineData("tomorrow", "is not a time")]
    [InlineData("3/1/2027", "is not a time")]
    [InlineData("2020-01-01T00:00:00Z", "has passed")]
    [InlineData("2026-03-01T12:00:00Z", "has passed")]
    public async Task An_until_that_would_revoke_nothing_is_refused(string until, string says)
    {
        // Proves each: no time, a time of one country's, the past, and this moment.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer refused = await FileAsync(gate, Subject($"\"until\":\"{until}\""));
        Assert.Equal((HttpStatusCode.BadRequest, "malformed-request"), (refused.Status, refused.Problem));
        Assert.Contains(says, refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-03-02T12:00:00Z", "2026-03-02T12:00:00.000Z")]
    [InlineData("2026-03-02T12:00:00+02:00", "2026-03-02T10:00:00.000Z")]
    [InlineData("2026-03-02", "2026-03-02T00:00:00.000Z")]
    [InlineData("2046-03-02", "2036-03-08T12:00:00.000Z")]
    [InlineData(null, "2026-03-31T12:00:00.000Z")]
    public async Task A_subject_is_remembered_as_long_as_is_said(string? until, string remembered)
    {
        // Proves the times that are read, the most, and the thirty days of who says nothing.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        Answer filed = await FileAsync(gate, Subject(until is null ? "" : $"\"until\":\"{until}\""));
        Assert.Equal(remembered, filed.Json.GetProperty("until").GetString());
    }

    [Theory]
    [InlineData(60 * 86_400, null, "2026-04-30T13:00:00.000Z")]
    [InlineData(60 * 86_400, "2026-03-02", "2026-04-30T13:00:00.000Z")]
    [InlineData(60 * 86_400, "2027-01-01", "2027-01-01T00:00:00.000Z")]
    [InlineData(600, null, "2026-03-01T13:10:00.000Z")]
    [InlineData(-7_200, null, "2026-03-01T13:00:00.000Z")]
    public async Task A_token_is_remembered_until_it_is_of_no_use(int goodForSeconds, string? until, string remembered)
    {
        // Proves that a token that was sent is not forgotten while it, or what was lent for it, can still be used, and
        // no longer than that where nobody says more.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string token = gate.ShortToken(goodForSeconds, "alice");
        string more = until is null ? "" : $",\"until\":\"{until}\"";
        Answer filed = await FileAsync(gate, $$"""{"token":"{{token}}"{{more}}}""");
        Assert.Equal(HttpStatusCode.Created, filed.Status);
        Assert.Equal(remembered, filed.Json.GetProperty("until").GetString());
    }

    [Fact]
    public async Task A_token_that_does_not_say_its_end_is_remembered_thirty_days()
    {
        // Proves the bound for what nobody knows: an opaque text, and a hash.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string hash = new('a', 64);
        foreach (string body in (string[])["""{"token":"op_abc"}""", $$"""{"token_sha256":"{{hash}}"}"""])
        {
            JsonElement filed = (await FileAsync(gate, body)).Json;
            Assert.Equal("2026-03-31T12:00:00.000Z", filed.GetProperty("until").GetString());
        }
    }

    private static string Subject(string more) =>
        $$"""{"issuer":"{{TestIssuer.Issuer}}","subject":"alice"{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    private static Task<Answer> FileAsync(ControlFixture gate, string body) =>
        gate.PostAsync(Path, gate.Token("root", "policy-admins"), body);
}
