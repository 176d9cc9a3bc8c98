using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using CsCheck;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>Names of claims, sources of groups, kinds in an issuer's words, and claims that must be there.</summary>
public sealed class ClaimPathTests
{
    private static readonly Gen<string> GenStep =
        Gen.Char["ab./~:0"].Array[1, 4].Select(letters => new string(letters));

    [Fact]
    public void APointerFindsWhatLiesThere()
    {
        // Proves over random names, with slashes, tildes and dots in them, that a pointer leads where it was nested,
        // and that cutting a step off, or one more, finds something else.
        GenStep.Array[1, 5].Sample(steps =>
        {
            JsonNode nested = JsonValue.Create("here");
            foreach (string step in steps.Reverse()) nested = new JsonObject { [step] = nested };
            JsonElement claims = JsonSerializer.SerializeToElement(nested);
            string path = string.Concat(steps.Select(step => "/" + Escape(step)));
            Assert.Equal("", ClaimPath.Check(path));
            Assert.True(ClaimPath.TryFind(claims, path, out JsonElement found));
            Assert.Equal("here", found.GetString());
            Assert.False(ClaimPath.TryFind(claims, path + "/more", out _));
        });
    }

    [Fact]
    public void ANameIsTakenAsItIs()
    {
        // Proves that a name without a slash at its beginning is one member, whatever letters it has.
        GenStep.Where(name => name[0] != '/').Sample(name =>
        {
            JsonElement claims = JsonSerializer.SerializeToElement(
                new JsonObject { [name] = "here", [name + ".x"] = "there" });
            Assert.True(ClaimPath.TryFind(claims, name, out JsonElement found));
            Assert.Equal("here", found.GetString());
        });
    }

    [Fact]
    public void SourcesDoNotMeet()
    {
        // Proves that no value of one claim becomes a group of another: by values that look like the other's groups.
        string[] sources = ["repo:{repository}", "ref:{ref}"];
        GenStep.Select(GenStep).Sample((repository, reference) =>
        {
            JsonObject claims = new() { ["sub"] = "x", ["repository"] = repository, ["ref"] = "repo:" + reference };
            Caller caller = Map(claims, ScriptedIssuer.Options with { Groups = sources });
            Assert.Equal(["repo:" + repository, "ref:repo:" + reference], caller.Groups);
        });
    }

    [Theory]
    [InlineData("groups", "")]
    [InlineData("repo:{repository}", "")]
    [InlineData("{/a/b}", "")]
    [InlineData("", "is empty")]
    [InlineData("{}", "is empty")]
    [InlineData("x{a}{b}", "must hold one claim in braces, or none")]
    [InlineData("x}a{", "must hold one claim in braces, or none")]
    [InlineData("x{a", "must hold one claim in braces, or none")]
    [InlineData("/", "is no JSON pointer to a claim")]
    [InlineData("/a//b", "is no JSON pointer to a claim")]
    [InlineData("/a~2", "holds a ~ that is neither ~0 nor ~1")]
    [InlineData("/a~", "holds a ~ that is neither ~0 nor ~1")]
    public void ASourceThatMeansNothingIsNoSource(string source, string fault)
    {
        // Proves what configuration may say.
        Assert.Equal(fault, GroupSource.Check(source));
    }

    [Theory]
    [InlineData("""{"sub":"x","a":{"b":["one","two"]}}""", "one|two")]
    [InlineData("""{"sub":"x","a":{"b":"one"}}""", "one")]
    [InlineData("""{"sub":"x","a":["b"]}""", "")]
    [InlineData("""{"sub":"x","a":{"b":[]}}""", "")]
    public void GroupsMayLieDeeper(string claims, string groups)
    {
        // Proves lists and single texts behind a pointer; a list on the way is no way.
        Caller caller = Map(
            JsonNode.Parse(claims)!.AsObject(), ScriptedIssuer.Options with { Groups = ["/a/b"] });
        Assert.Equal(groups, string.Join('|', caller.Groups));
    }

    [Theory]
    [InlineData("app", CallerKind.Service)]
    [InlineData("user", CallerKind.Human)]
    [InlineData("agent", CallerKind.Agent)]
    public void AnIssuerHasItsOwnWords(string word, CallerKind kind)
    {
        // Proves that an issuer's words are understood beside ours, and that what is neither refuses.
        IssuerOptions options = ScriptedIssuer.Options with
        {
            KindClaim = "idtyp",
            KindWords = new Dictionary<string, CallerKind>
            {
                ["app"] = CallerKind.Service,
                ["user"] = CallerKind.Human,
            },
        };
        Assert.Equal(kind, Map(new JsonObject { ["sub"] = "x", ["idtyp"] = word }, options).Kind);
        using JsonDocument other = JsonDocument.Parse("""{"sub":"x","idtyp":"novel"}""");
        Assert.Equal(TokenFault.KindWrong, ClaimMapping.TryMap(other.RootElement, options, out _));
    }

    [Theory]
    [InlineData("""{"sub":"x","org":"acme","ok":true}""", true)]
    [InlineData("""{"sub":"x","org":["other","acme"],"ok":"true"}""", true)]
    [InlineData("""{"sub":"x","org":"ACME","ok":true}""", false)]
    [InlineData("""{"sub":"x","org":"acme","ok":false}""", false)]
    [InlineData("""{"sub":"x","org":"acme","ok":1}""", false)]
    [InlineData("""{"sub":"x","org":["other"],"ok":true}""", false)]
    [InlineData("""{"sub":"x","org":{"acme":1},"ok":true}""", false)]
    [InlineData("""{"sub":"x","ok":true}""", false)]
    public void WhatIsRequiredMustBeThere(string claims, bool isTaken)
    {
        // Proves that each required claim is exactly one of its texts, or holds one.
        IssuerOptions options = ScriptedIssuer.Options with
        {
            Requires = new Dictionary<string, IReadOnlyList<string>> { ["org"] = ["acme", "emca"], ["ok"] = ["true"] },
        };
        using JsonDocument document = JsonDocument.Parse(claims);
        TokenFault fault = ClaimMapping.TryMap(document.RootElement, options, out _);
        Assert.Equal(isTaken ? TokenFault.None : TokenFault.ClaimRequired, fault);
    }

    [Theory]
    [InlineData("/a/0", """{"a":["one","two"]}""", "one")]
    [InlineData("/a/1/b", """{"a":["one",{"b":["x","y"]}]}""", "x,y")]
    [InlineData("/a/0", """{"a":{"0":"named"}}""", "named")]
    [InlineData("/a/2", """{"a":["one","two"]}""", "")]
    [InlineData("/a/-", """{"a":["one","two"]}""", "")]
    [InlineData("/a/00", """{"a":["one","two"]}""", "")]
    [InlineData("/a/99999999999", """{"a":["one"]}""", "")]
    [InlineData("p:{protected}", """{"protected":true}""", "p:true")]
    [InlineData("p:{protected}", """{"protected":[false,12,"x",-3]}""", "p:false,p:12,p:x,p:-3")]
    [InlineData("p:{protected}", """{"protected":null}""", null)]
    [InlineData("p:{protected}", """{"protected":{"a":1}}""", null)]
    [InlineData("p:{protected}", """{"protected":1.0}""", null)]
    [InlineData("p:{protected}", """{"protected":1e3}""", null)]
    [InlineData("p:{protected}", """{"protected":-0}""", null)]
    [InlineData("protected", """{"protected":true}""", null)]
    public void GroupsComeFromListsAndOtherValues(string source, string claims, string? groups)
    {
        // Proves places in lists (RFC 6901), which values a template takes, and that all else is refused, not left out.
        using JsonDocument document = JsonDocument.Parse(claims);
        List<string> found = [];
        Assert.Equal(groups is not null, GroupSource.TryRead(document.RootElement, source, found));
        if (groups is not null) Assert.Equal(groups, string.Join(',', found));
    }

    private static Caller Map(JsonObject claims, IssuerOptions options)
    {
        TokenFault fault = ClaimMapping.TryMap(JsonSerializer.SerializeToElement(claims), options, out Caller? caller);
        Assert.Equal(TokenFault.None, fault);
        return caller!;
    }

    private static string Escape(string step) => step
        .Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
