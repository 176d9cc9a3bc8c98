using System.Text.Json;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

public sealed class PersonAliasesTests
{
    private const string Here = "https://issuer.test";
    private const string Other = "https://other.test";

    private static readonly string[] Issuers = [Here, Other];

    private static readonly PersonAliases Listed = Read(
        ("alice", ["alice-admin", Other + "|a.smith", "auth0|7", "robot"]), ("bob", [Other + "|auth0|9"]));

    [Theory]
    [InlineData(Here, """{"sub":"alice-admin","kind":"human"}""", "alice")]
    [InlineData(Here, """{"sub":"ALICE-Admin","kind":"human"}""", "alice")]
    [InlineData(Other, """{"sub":"A.Smith"}""", "alice")]
    [InlineData(Here, """{"sub":"a.smith","kind":"human"}""", "a.smith")]
    [InlineData(Here, """{"sub":"auth0|7","kind":"human"}""", "alice")]
    [InlineData(Other, """{"sub":"auth0|9","kind":"human"}""", "bob")]
    [InlineData(Here, """{"sub":"auth0|9","kind":"human"}""", "auth0|9")]
    [InlineData(Here, """{"sub":"ci","kind":"ci","actor":"alice-admin"}""", "alice")]
    [InlineData(Other, """{"sub":"a9","kind":"agent","owner":["a.smith","carol"]}""", "alice,carol")]
    [InlineData(Here, """{"sub":"alice-admin","act":{"sub":"agent-7"}}""", "alice")]
    [InlineData(Here, """{"sub":"carol","act":{"sub":"a7","owner":"alice-admin"}}""", "carol,alice")]
    [InlineData(Here, """{"sub":"carol","act":{"sub":"a7","act":{"sub":"alice-admin"}}}""", "carol,alice")]
    [InlineData(Here, """{"sub":"alice","kind":"human","owner":"alice-admin"}""", "alice")]
    [InlineData(Here, """{"sub":"robot","kind":"service"}""", "alice")]
    [InlineData(Here, """{"sub":"carol","act":{"sub":"robot"}}""", "carol,alice")]
    public void EveryoneInTheChainIsThePersonOfTheirAccount(string issuer, string claims, string chain)
    {
        // Proves each way into the chain, by claims that name accounts: of any issuer and of one, in another case, with
        // a bar in the subject, and a machine's that is listed as somebody's.
        Caller caller = Map(claims, ScriptedIssuer.Options with { Issuer = issuer, Aliases = Listed })!;
        Assert.Equal(chain, string.Join(',', caller.Chain));
        using JsonDocument document = JsonDocument.Parse(claims);
        Assert.Equal(document.RootElement.GetProperty("sub").GetString(), caller.Subject);
    }

    [Theory]
    [InlineData("""{"sub":"erin","kind":"human","person":"E1"}""", "E1")]
    [InlineData("""{"sub":"x","person":"E1","act":{"sub":"y","act":{"sub":"z","person":"E2"}}}""", "E1,E2")]
    [InlineData("""{"sub":"x","person":"E1","act":{"sub":"agent"},"owner":"E1"}""", "E1")]
    [InlineData("""{"sub":"ci","kind":"ci","actor":"dave"}""", "dave")]
    [InlineData("""{"sub":"ci","kind":"ci"}""", "")]
    [InlineData("""{"sub":"x","kind":"human","person":"auth0|7"}""", "alice")]
    [InlineData("""{"sub":"alice-admin","kind":"human","person":"E1"}""", "alice,E1")]
    [InlineData("""{"sub":"alice","kind":"human"}""", null)]
    [InlineData("""{"sub":"alice"}""", null)]
    [InlineData("""{"sub":"alice","kind":"human","person":""}""", null)]
    [InlineData("""{"sub":"alice","kind":"human","person":["E1"]}""", null)]
    [InlineData("""{"sub":"x","act":{"sub":"agent"}}""", null)]
    [InlineData("""{"sub":"x","person":"E1","act":{"sub":"y","kind":"human"}}""", null)]
    public void AClaimNamesThePersonOrTheTokenIsRefused(string claims, string? chain)
    {
        // Proves that the claim stands for the subject and is itself mapped, that a person without it is refused and a
        // machine is not, and that claim and list both count where they differ.
        IssuerOptions options = ScriptedIssuer.Options with { PersonClaim = "person", Aliases = Listed };
        Assert.Equal(chain, Map(claims, options) is { } caller ? string.Join(',', caller.Chain) : null);
    }

    [Theory]
    [InlineData("a", "x", "b", "x", "'x' is listed for 'a' and for 'b'")]
    [InlineData("a", "x", "b", "X", "'X' is listed for 'a' and for 'b'")]
    [InlineData("a", "b", "b", "a", "'b' of 'a' is a person of the list")]
    [InlineData("a", "b", "b", "c", "'b' of 'a' is a person of the list")]
    [InlineData("a", "A", "b", "x", "'a' lists itself")]
    [InlineData("a", "x", "A", "y", "'A' is listed twice")]
    [InlineData("a", Here + "|x", "b", Here + "|X", "'https://issuer.test|X' is listed for 'a' and for 'b'")]
    [InlineData("a", "x", "b", Here + "|x", "|x' is listed for 'b', but its subject, of any issuer, for 'a'")]
    [InlineData("a", Here + "|b", "b", "x", "|b' is listed for 'a', but its subject, of any issuer, for 'b'")]
    [InlineData("a", "https://typo.test|x", "b", "y", "no issuer 'https://typo.test' is configured")]
    [InlineData("a", Here + "|", "b", "y", "is no subject")]
    [InlineData(Here + "|a", "x", "b", "y", "is an account of one issuer")]
    [InlineData("a\n", "x", "b", "y", "is no name of a person")]
    public void WhatCanBeReadInTwoWaysIsRefused(
        string first, string account, string second, string other, string error)
    {
        // Proves that each ambiguous, cyclic or dangling list is an error and maps nobody.
        List<string> errors = [];
        PersonAliases read = PersonAliases.Read([new(first, [account]), new(second, [other])], Issuers, errors);
        Assert.Contains(errors, one => one.Contains(error, StringComparison.Ordinal));
        Assert.Same(PersonAliases.None, read);
    }

    [Fact]
    public void EveryErrorIsToldAtOnce()
    {
        // Proves that one error does not hide another, by three people each wrong in their own way.
        List<string> errors = [];
        PersonAliases.Read([new("a", []), new("b", ["x", "x"]), new("c", ["c"])], Issuers, errors);
        Assert.Equal(["'a' has no account", "'x' of 'b' is listed twice", "'c' lists itself"], errors);
    }

    [Fact]
    public void EqualSubjectsOfTwoIssuersStayOnePerson()
    {
        // Proves that a list changes nothing for who is not in it, by one subject of both issuers.
        Caller here = Map("""{"sub":"Erin","kind":"human"}""", ScriptedIssuer.Options with { Aliases = Listed })!;
        Caller there = Map(
            """{"sub":"erin","kind":"human"}""", ScriptedIssuer.Options with { Issuer = Other, Aliases = Listed })!;
        Assert.True(Caller.ChainsMeet(here.Chain, there.Chain));
    }

    private static PersonAliases Read(params (string Person, string[] Accounts)[] people)
    {
        List<string> errors = [];
        PersonAliases read = PersonAliases.Read(
            people.Select(one => KeyValuePair.Create(one.Person, (IReadOnlyList<string>)one.Accounts)), Issuers,
            errors);
        Assert.Empty(errors);
        return read;
    }

    private static Caller? Map(string claims, IssuerOptions options)
    {
        using JsonDocument document = JsonDocument.Parse(claims);
        TokenFault fault = ClaimMapping.TryMap(document.RootElement, options, out Caller? caller);
        Assert.Equal(caller is null ? TokenFault.PersonWrong : TokenFault.None, fault);
        return caller;
    }
}
