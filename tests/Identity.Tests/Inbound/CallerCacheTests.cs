using System.Buffers.Binary;
using Countersign.Identity.Inbound;
using Countersign.Policy;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Countersign.Identity.Tests.Inbound;

public sealed class CallerCacheTests : IDisposable
{
    private readonly IssuerKey _key = IssuerKey.FromRsa(ScriptedKey.First.Rsa.ExportParameters(false), "first", null)!;
    private readonly ScriptedIssuer _issuer = new(ScriptedKey.First);

    public void Dispose() => _issuer.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(1000)]
    public void TheBoundHoldsAndTheNewestIsFound(int entriesMax)
    {
        // Proves the bound after every one of many more entries than fit, all in use, which is the worst case for a
        // turn.
        CallerCache cache = new(entriesMax);
        for (int index = 0; index < entriesMax * 5; index++)
        {
            cache.Add(Hash(index), Entry(), 0);
            Assert.True(cache.TryFind(Hash(index), out _));
            Assert.InRange(cache.Count, 1, entriesMax);
        }
    }

    [Fact]
    public void WhatIsUsedStaysAndWhatIsNotGoes()
    {
        // Proves that a token looked up between turns outlives many turns, and that an idle one does not.
        CallerCache cache = new(100);
        cache.Add(Hash(-1), Entry(), 0);
        cache.Add(Hash(-2), Entry(), 0);
        for (int index = 0; index < 1000; index++)
        {
            cache.Add(Hash(index), Entry(), 0);
            Assert.True(cache.TryFind(Hash(-1), out _));
        }

        Assert.False(cache.TryFind(Hash(-2), out _));
    }

    [Fact]
    public void TheFirstOfSeveralVerificationsWinsUnlessItsKeyIsGone()
    {
        // Proves that concurrent verifications share one caller, and that an entry of a withdrawn key is replaced.
        CallerCache cache = new(100);
        CachedCaller first = Entry();
        CachedCaller second = Entry();
        Assert.Same(first, cache.Add(Hash(1), first, 0));
        Assert.Same(first, cache.Add(Hash(1), second, 0));
        _key.Remove();
        Assert.Same(second, cache.Add(Hash(1), second, 0));
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public async Task ReadersAndWritersTogetherKeepTheBound()
    {
        // Proves that two writers and two readers at once never pass the bound or find another token's entry.
        CallerCache cache = new(64);
        Task[] tasks =
        [
            .. Enumerable.Range(0, 4).Select(worker => Task.Run(
                () =>
                {
                    for (int index = 0; index < 20_000; index++)
                    {
                        int number = (index * 7) % 300;
                        if (worker < 2) cache.Add(Hash(number), Entry($"s{number}"), 0);
                        else if (cache.TryFind(Hash(number), out CachedCaller? found))
                            Assert.Equal($"s{number}", found!.Caller.Subject);
                    }
                },
                TestContext.Current.CancellationToken)),
        ];
        await Task.WhenAll(tasks);
        Assert.InRange(cache.Count, 1, 64);
    }

    private static TokenHash Hash(int number)
    {
        Span<byte> token = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(token, number);
        return TokenHash.Of(token);
    }

    private CachedCaller Entry(string subject = "alice")
    {
        IssuerKeyRing ring = new(
            ScriptedIssuer.Options, [_key], new CallerVerifierLimits(), new HttpMessageInvoker(_issuer), _issuer.Clock,
            NullLogger.Instance, CancellationToken.None);
        return new CachedCaller(
            new Caller(ScriptedIssuer.Issuer, subject, CallerKind.Human, [], [subject]), _key, ring, long.MaxValue,
            TokenMarks.None);
    }
}
