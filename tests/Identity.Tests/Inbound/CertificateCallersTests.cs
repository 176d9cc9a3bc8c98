using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Countersign.Identity.Inbound;
using Countersign.Identity.Inbound.Certificates;
using Countersign.Policy;
using Countersign.Policy.Revocations;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

/// <summary>Client certificates as callers.</summary>
public sealed class CertificateCallersTests
{
    private const string Issuer = "urn:test:mtls";

    private static readonly DateTimeOffset Begins = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(CertificateName.Uri, "spiffe://acme/ns/*/sa/deploy", "spiffe://acme/ns/shop/sa/deploy")]
    [InlineData(CertificateName.Uri, "spiffe://acme/**", "spiffe://acme/ns/shop/sa/deploy")]
    [InlineData(CertificateName.Dns, "*.jobs.test", "nightly.jobs.test")]
    [InlineData(CertificateName.Email, "ops@acme.test", "ops@acme.test")]
    [InlineData(CertificateName.Subject, "CN=nightly, O=Acme", "CN=nightly, O=Acme")]
    public void ARuleNamesACaller(CertificateName name, string pattern, string subject)
    {
        // Proves each kind of name, that the caller is called by it, and what the rule says of it.
        CertificateRule rule = new(name, pattern, CallerKind.Service)
        {
            Groups = ["jobs"],
            Responsible = ["olga"],
            Tenant = "acme",
        };
        Caller caller = new CertificateCallers(Issuer, [rule], PersonAliases.None).Find(Certificate())!.Caller;
        Assert.Equal((Issuer, subject, CallerKind.Service), (caller.Issuer, caller.Subject, caller.Kind));
        Assert.Equal(["jobs"], caller.Groups);
        Assert.Equal(["olga"], caller.Chain);
        Assert.Equal("acme", caller.Tenant);
        Assert.False(caller.IsPerson);
    }

    [Theory]
    [InlineData(CertificateName.Uri, "spiffe://acme/ns/*")]
    [InlineData(CertificateName.Uri, "spiffe://acme/ns/*/deploy")]
    [InlineData(CertificateName.Dns, "jobs.test")]
    [InlineData(CertificateName.Dns, "*.JOBS.test")]
    [InlineData(CertificateName.Email, "*@evil.test")]
    [InlineData(CertificateName.Subject, "CN=nightly")]
    [InlineData(CertificateName.None, "**")]
    public void WhatNoRuleFitsIsNobody(CertificateName name, string pattern)
    {
        // Proves that a star stops at a slash, that case counts, and that a part of a name is not the name.
        CertificateRule rule = new(name, pattern, CallerKind.Service);
        Assert.Null(new CertificateCallers(Issuer, [rule], PersonAliases.None).Find(Certificate()));
    }

    [Fact]
    public void TwoNamesThatFitAreNobody()
    {
        // Proves that a certificate for two is refused rather than taken for the first.
        CertificateCallers callers = new(
            Issuer, [new CertificateRule(CertificateName.Dns, "*.jobs.test", CallerKind.Service)], PersonAliases.None);
        Assert.Null(callers.Find(Certificate(another: "hourly.jobs.test")));
    }

    [Fact]
    public async Task ItEndsWithItsDatesAndByRevocation()
    {
        // Proves expiry while a connection lives, and revocation by thumbprint and by name, up to when it was issued.
        using ScriptedIssuer issuer = new(ScriptedKey.First);
        await using CallerVerifier verifier = issuer.Verifier();
        using X509Certificate2 certificate = Certificate();
        CertificateCallers callers = new(
            Issuer, [new CertificateRule(CertificateName.Dns, "*.jobs.test", CallerKind.Service)], PersonAliases.None);
        CertifiedCaller found = callers.Find(certificate)!;
        Assert.Same(found, callers.Find(certificate));
        Assert.Equal(TokenStatus.Valid, verifier.Check(found));
        DateTimeOffset now = issuer.Clock.GetUtcNow();
        string hash = GatewayTokens.HashOf(certificate.RawData);
        Revocation[] ends =
        [
            new(RevocationKind.Token, "", hash, now, now.AddDays(1), "", ""),
            new(RevocationKind.Subject, Issuer, "nightly.jobs.test", now, now.AddDays(1), "", ""),
        ];
        foreach (Revocation end in ends)
        {
            verifier.Revoke(new RevocationIndex(new RevocationListing(1, [end])));
            Assert.Equal(TokenStatus.Revoked, verifier.Check(found));
            verifier.Revoke(RevocationIndex.Empty);
            Assert.Equal(TokenStatus.Valid, verifier.Check(found));
        }

        Revocation earlier = new(
            RevocationKind.Subject, Issuer, "nightly.jobs.test", Begins.AddDays(-1), now.AddDays(1), "", "");
        verifier.Revoke(new RevocationIndex(new RevocationListing(1, [earlier])));
        Assert.Equal(TokenStatus.Valid, verifier.Check(found));
        issuer.Clock.Advance(TimeSpan.FromDays(365));
        Assert.Equal(TokenStatus.Expired, verifier.Check(found));
    }

    private static X509Certificate2 Certificate(string? another = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=nightly, O=Acme", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("nightly.jobs.test");
        if (another is not null) names.AddDnsName(another);
        names.AddUri(new Uri("spiffe://acme/ns/shop/sa/deploy"));
        names.AddEmailAddress("ops@acme.test");
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(Begins, Begins.AddDays(365));
    }
}
