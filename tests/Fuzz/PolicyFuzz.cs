using System.Text;
using Countersign.Policy;

namespace Countersign.Fuzz;

/// <summary>The policy reader: never throws for what a document says, and says the same twice.</summary>
public sealed class PolicyFuzz
{
    private static readonly MaskVocabulary Words = new(static _ => null, static _ => null);

    private const string Sound = """
        apiVersion: countersign/v1
        upstreams:
          b:
            endpoints: ["http://b.test:1"]
            timeout: 5s
            credential: { broker: jwt, audience: b, ttl: 30s, reuse: 5s }
        functions:
          b.get: { upstream: b, method: GET, path: "/b/{id}", risk: low }
          b.pay: { upstream: b, method: POST, path: "/b/{id}/pay", risk: high, headers: [If-Match] }
        rules:
          - { id: r, subjects: { groups: [g] }, functions: ["b.g*"], effect: allow }
          - id: p
            subjects: { groups: [g] }
            functions: [b.pay]
            effect: approve
            approval: { stages: [{ groups: [l], count: 2 }], decideWithin: 15m, hold: 1s, reason: required }
        separations:
          - { id: s, kind: static, groups: [x, y] }
        masks:
          - { id: m, functions: ["*"], fields: [ssn, "$.a[*].b"], action: keep-last-4, except: { groups: [c] } }
        """;

    [Fact]
    public Task Policy_documents() => FuzzRun.ForSeedsAsync(1_500, random =>
    {
        // Proves that a mutated document gives a snapshot or errors, never both nor neither, and that its JSON reads
        // back.
        string text = Encoding.Latin1.GetString(FuzzRun.Mutate(random, Encoding.Latin1.GetBytes(Sound)));
        if (random.Next(4) == 0) text = text[..random.Next(text.Length + 1)];
        PolicyReading reading = PolicyReader.Read(text, Words, 1);
        Assert.Equal(reading.Snapshot is null, reading.Errors.Count > 0);
        Assert.All(reading.Errors, error => Assert.True(error.Line >= 1 && error.Column >= 1, error.ToString()));
        if (reading.Snapshot is null) return Task.CompletedTask;
        PolicyReading again = PolicyReader.Read(reading.Json, Words, 1);
        Assert.Equal(reading.Json, again.Json);
        Assert.Equal(reading.Snapshot.Sha256, again.Snapshot!.Sha256);
        return Task.CompletedTask;
    });
}
