using System.Net;
using System.Text.Json;

namespace Countersign.ControlPlane.Tests.Tokens;

/// <summary>Signing keys changed by hand, over HTTP.</summary>
public sealed class SigningKeyDeskTests
{
    private const string Path = "/api/v1/signing-keys";
    private const string Why = """{"reason":"it leaked"}""";

    [Fact]
    public async Task An_admin_ends_a_key_and_it_is_on_record()
    {
        // Proves the listing, the revocation and what follows the key, and the audit of both acts.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string olga = gate.Token("olga", "policy-admins");
        JsonElement before = (await gate.GetAsync(Path, olga)).Json;
        Assert.Equal(["EdDSA", "ES256"], Names(before, "alg").Order(StringComparer.Ordinal).Reverse());
        Assert.All(Names(before, "state"), state => Assert.Equal("signs", state));
        Answer rotated = await gate.PostAsync(Path + "/rotate", olga, """{"reason":"yearly"}""");
        Assert.Equal(HttpStatusCode.OK, rotated.Status);
        Assert.Equal(2, Names(rotated.Json, "state").Count(state => state == "waits"));
        string leaked = Names(before, "kid")[0];
        Answer revoked = await gate.PostAsync($"{Path}/{leaked}/revoke", olga, Why);
        Assert.Equal(HttpStatusCode.OK, revoked.Status);
        Assert.DoesNotContain(leaked, Names(revoked.Json, "kid"));
        Assert.Equal(2, Names(revoked.Json, "state").Count(state => state == "signs"));
        Assert.DoesNotContain("\"d\"", revoked.Body, StringComparison.Ordinal);
        Answer again = await gate.PostAsync($"{Path}/{leaked}/revoke", olga, Why);
        Assert.Equal((HttpStatusCode.NotFound, "not-found"), (again.Status, again.Problem));
        var acts = await gate.ActsAsync();
        Assert.Contains(("key-revoke", "olga", leaked, "it leaked"), acts);
        Assert.Contains(acts, act => act.Event == "key-revoked" && act.Subject == leaked);
        Assert.Contains(acts, act => act.Event == "keys-rotated" && act.Actor == "olga");
    }

    [Fact]
    public async Task A_rotation_under_way_is_not_begun_again()
    {
        // Proves that asking again changes nothing and is told so, to whoever asks and in the audit.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string olga = gate.Token("olga", "policy-admins");
        Answer first = await gate.PostAsync(Path + "/rotate", olga, """{"reason":"one"}""");
        Answer again = await gate.PostAsync(Path + "/rotate", olga, """{"reason":"two"}""");
        Assert.Equal(HttpStatusCode.OK, first.Status);
        Assert.Equal((HttpStatusCode.Conflict, "rotation-under-way"), (again.Status, again.Problem));
        Assert.Contains("nothing was changed", again.Body, StringComparison.Ordinal);
        Assert.Equal(first.Body, (await gate.GetAsync(Path, olga)).Body);
        var acts = await gate.ActsAsync();
        Assert.Single(acts, act => act.Event == "keys-rotated");
        Assert.Contains(acts, act => act.Event == "keys-rotate-refused" && act.Detail.EndsWith("; two", Ordinal));
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Theory]
    [InlineData("alice", "support", "", Why, 403)]
    [InlineData("olga-bot", "policy-admins", "", Why, 403)]
    [InlineData("ada", "auditors", "", Why, 403)]
    [InlineData("olga", "policy-admins", "", "", 400)]
    [InlineData("olga", "policy-admins", "", "{}", 400)]
    [InlineData("olga", "policy-admins", "", """{"reason":" "}""", 400)]
    [InlineData("olga", "policy-admins", "", """{"reason":"a","more":1}""", 400)]
    [InlineData("olga", "policy-admins", "away", Why, 503)]
    public async Task Nobody_else_changes_them(string subject, string group, string store, string body, int status)
    {
        // Proves who may, what must be said, and that a store that is away is no success.
        await using ControlFixture gate = await ControlFixture.StartAsync();
        string kid = Names((await gate.GetAsync(Path, gate.Token("ada", "auditors"))).Json, "kid")[0];
        gate.SigningKeys.IsAway = store == "away";
        foreach (string act in (string[])["rotate", kid + "/revoke"])
        {
            Answer refused = await gate.PostAsync($"{Path}/{act}", gate.Token(subject, group), body);
            Assert.Equal(status, (int)refused.Status);
        }

        Answer listed = await gate.GetAsync(Path, gate.Token(subject, group));
        Assert.Equal(group == "support" ? 403 : 200, (int)listed.Status);
        if (group != "support") Assert.Contains(kid, Names(listed.Json, "kid"));
    }

    private static string[] Names(JsonElement keys, string member) =>
        [.. keys.GetProperty("items").EnumerateArray().Select(one => one.GetProperty(member).GetString()!)];
}
