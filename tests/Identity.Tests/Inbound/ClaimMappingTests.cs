using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using CsCheck;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

public sealed class ClaimMappingTests
{
    private static readonly string[] Names = ["alice", "bob", "Bob", "carol", "agent-7", "agent-9", "ci", "dave"];
    private static readonly string?[] Kinds = [null, "human", "agent", "ci", "service"];

    private static readonly Gen<string> GenName = Gen.Int[0, Names.Length - 1].Select(index => Names[index]);
    private static readonly Gen<string?> GenKind = Gen.Int[0, Kinds.Length - 1].Select(index => Kinds[index]);

    // Up to five actors inside each other, with and without a kind and people who answer for them.
    private static readonly Gen<JsonObject?> GenActor =
        Gen.Select(GenName, GenKind, GenName, Gen.Bool).Array[0, 5].Select(actors =>
        {
            JsonObject? outermost = null;
            foreach ((string name, string? kind, string owner, bool isOwned) in actors)
            {
                JsonObject actor = new() { ["sub"] = name };
                if (kind is not null) actor["kind"] = kind;
                if (isOwned) actor["owner"] = owner;
                if (outermost is not null) actor["act"] = outermost;
                outermost = actor;
            }

            return outermost;
        });

    private static readonly Gen<JsonObject> GenClaims =
        Gen.Select(GenName, GenKind, GenName.Array[0, 3], GenActor, Gen.Bool)
            .Select((name, kind, responsible, actor, isArray) =>
            {
                JsonObject claims = new() { ["sub"] = name };
                if (kind is not null) claims["kind"] = kind;
                if (isArray) claims["owner"] = new JsonArray([.. responsible.Select(one => (JsonNode)one)]);
                else if (responsible.Length > 0) claims["actor"] = responsible[0];
                if (actor is not null) claims["act"] = actor.DeepClone();
                return claims;
            });

    [Theory]
    [InlineData("""{"sub":"alice","kind":"human"}""", CallerKind.Human, "alice")]
    [InlineData("""{"sub":"alice"}""", CallerKind.Unstated, "alice")]
    [InlineData("""{"sub":"ci-deploy","kind":"ci","actor":"dave"}""", CallerKind.Ci, "dave")]
    [InlineData("""{"sub":"backup","kind":"service"}""", CallerKind.Service, "")]
    [InlineData("""{"sub":"agent-9","kind":"agent","owner":"alice"}""", CallerKind.Agent, "alice")]
    [InlineData("""{"sub":"a9","kind":"agent","owner":["al","bob"],"actor":"AL"}""", CallerKind.Agent, "AL,bob")]
    [InlineData("""{"sub":"bob","kind":"agent","act":{"sub":"agent-7"}}""", CallerKind.Agent, "bob")]
    [InlineData("""{"sub":"bob","act":{"sub":"agent-7"}}""", CallerKind.Agent, "bob")]
    [InlineData("""{"sub":"bob","kind":"human","act":{"sub":"carol"}}""", CallerKind.Human, "bob,carol")]
    [InlineData("""{"sub":"bob","kind":"agent","act":{"sub":"x","kind":"human"}}""", CallerKind.Agent, "bob,x")]
    [InlineData("""{"sub":"bob","act":{"sub":"a7","act":{"sub":"carol"}}}""", CallerKind.Agent, "bob,carol")]
    [InlineData("""{"sub":"bob","act":{"sub":"a7","act":{"sub":"a8","kind":"agent"}}}""", CallerKind.Agent, "bob")]
    [InlineData("""{"sub":"bob","act":{"sub":"a7","owner":"erin"},"owner":"BOB"}""", CallerKind.Agent, "bob,erin")]
    [InlineData("""{"sub":"bob","act":{"sub":"a7","act":{"sub":"x","kind":"novel"}}}""", CallerKind.Agent, "bob,x")]
    public void TheHumanChainIsEveryPersonTheCallerActsFor(string claims, CallerKind kind, string chain)
    {
        // Proves kind and chain for each way that people stand behind a call; by claims and what they must become.
        Caller caller = Map(claims);
        Assert.Equal(kind, caller.Kind);
        Assert.Equal(chain, string.Join(',', caller.Chain));
        Assert.Equal(claims.Contains("\"act\"", StringComparison.Ordinal), caller.IsDelegated);
    }

    [Theory]
    [InlineData("""{"sub":"a","groups":["x","y","x"]}""", "x|y")]
    [InlineData("""{"sub":"a","groups":"x y"}""", "x y")]
    [InlineData("""{"sub":"a","groups":[]}""", "")]
    [InlineData("""{"sub":"a"}""", "")]
    public void GroupsAreStringsAsTheyAre(string claims, string groups)
    {
        // Proves that a single string is one group, unsplit, and that repeated ones count once.
        Assert.Equal(groups, string.Join('|', Map(claims).Groups));
    }

    [Fact]
    public void ClaimNamesAndTheDefaultKindAreTheIssuersOwn()
    {
        // Proves that each configured name is used and the usual one is not; by claims under both names.
        IssuerOptions options = ScriptedIssuer.Options with
        {
            Groups = ["roles"],
            KindClaim = "type",
            ResponsibleClaims = ["boss"],
            TenantClaim = "org",
            DefaultKind = CallerKind.Service,
        };
        Caller caller = Map(
            """{"sub":"s","groups":["no"],"roles":["yes"],"kind":"human","boss":"b","owner":"o","org":"t"}""", options);
        Assert.Equal(["yes"], caller.Groups);
        Assert.Equal(CallerKind.Service, caller.Kind);
        Assert.Equal(["b"], caller.Chain);
        Assert.Equal("t", caller.Tenant);
        Assert.Equal(CallerKind.Ci, Map("""{"sub":"s","type":"ci"}""", options).Kind);
    }

    [Fact]
    public void ActorsNestSixteenDeepAndNoDeeper()
    {
        // Proves the bound on both sides; by 16 and 17 actors inside each other.
        Assert.Equal(17 - 1, Map(Nested(16)).Chain.Count);
        using JsonDocument tooDeep = JsonDocument.Parse(Nested(17));
        Assert.Equal(TokenFault.ActorWrong, ClaimMapping.TryMap(tooDeep.RootElement, ScriptedIssuer.Options, out _));
    }

    [Fact]
    public void APersonWhoAnswersForTheCallIsNeverLost()
    {
        // Proves over random claims: the delegating subject, every actor that is not stated to be a machine inside the
        // outermost, and all responsible people are in the chain; by an independent walk of the same claims.
        GenClaims.Sample(claims =>
        {
            Caller caller = Map(claims.ToJsonString());
            foreach (string person in PeopleIn(claims))
            {
                Assert.Contains(person, caller.Chain, StringComparer.OrdinalIgnoreCase);
            }
        });
    }

    [Fact]
    public void TheChainHasNobodyTwiceAndNobodyTheTokenDoesNotName()
    {
        // Proves over random claims that the chain is distinct without regard to case, and holds no invented name.
        GenClaims.Sample(claims =>
        {
            string json = claims.ToJsonString();
            Caller caller = Map(json);
            Assert.Equal(caller.Chain.Count, caller.Chain.Distinct(StringComparer.OrdinalIgnoreCase).Count());
            Assert.All(caller.Chain, person => Assert.Contains($"\"{person}\"", json, StringComparison.Ordinal));
        });
    }

    [Fact]
    public void AddingAnActorNeverTakesAPersonAway()
    {
        // Proves over random claims that wrapping a token in one more acting agent keeps everyone in its chain. Left
        // out: a human token whose caller calls itself a machine, where it is the token's word that ends with the
        // wrapping.
        GenClaims.Where(claims => (string?)claims["kind"] != "human" || claims["act"]?["kind"] is null).Sample(claims =>
        {
            Caller before = Map(claims.ToJsonString());
            JsonObject wrapped = claims.DeepClone().AsObject();
            JsonObject outer = new() { ["sub"] = "agent-new" };
            if (wrapped["act"] is { } inner) outer["act"] = inner.DeepClone();
            wrapped["act"] = outer;
            Caller after = Map(wrapped.ToJsonString());
            Assert.All(before.Chain, person => Assert.Contains(person, after.Chain, StringComparer.OrdinalIgnoreCase));
        });
    }

    private static IEnumerable<string> PeopleIn(JsonObject claims)
    {
        string? kind = (string?)claims["kind"];
        JsonObject? actor = claims["act"]?.AsObject();
        if (kind is null or "human" || actor is not null) yield return (string)claims["sub"]!;
        foreach (string person in Responsible(claims)) yield return person;
        for (int depth = 1; actor is not null; depth++)
        {
            string? own = (string?)actor["kind"];
            if (depth == 1 ? kind == "human" : own is null or "human") yield return (string)actor["sub"]!;
            foreach (string person in Responsible(actor)) yield return person;
            actor = actor["act"]?.AsObject();
        }
    }

    private static IEnumerable<string> Responsible(JsonObject claims)
    {
        if (claims["actor"] is { } one) yield return (string)one!;
        if (claims["owner"] is JsonValue owner) yield return (string)owner!;
        if (claims["owner"] is not JsonArray owners) yield break;
        foreach (JsonNode? each in owners) yield return (string)each!;
    }

    private static string Nested(int depth)
    {
        string actor = """{"sub":"p1"}""";
        for (int level = 2; level <= depth; level++) actor = $$"""{"sub":"p{{level}}","act":{{actor}}}""";
        return $$"""{"sub":"origin","act":{{actor}}}""";
    }

    private static Caller Map(string claims, IssuerOptions? options = null)
    {
        using JsonDocument document = JsonDocument.Parse(claims);
        TokenFault fault = ClaimMapping.TryMap(
            document.RootElement, options ?? ScriptedIssuer.Options, out Caller? caller);
        Assert.Equal(TokenFault.None, fault);
        return caller!;
    }
}
