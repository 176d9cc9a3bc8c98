namespace Countersign.DataPlane.Tests.Calls;

/// <summary>The policy that the call tests run under.</summary>
internal static class Policies
{
    internal const string Standard = """
        apiVersion: countersign/v1
        upstreams:
          people:
            endpoints: ["http://people.test:9001"]
            timeout: 5s
            credential: { broker: jwt, audience: people, ttl: 30s, reuse: 20s }
          billing:
            endpoints: ["http://billing.test:9002"]
            timeout: 5s
            credential: { broker: jwt, audience: billing, ttl: 30s }
          raw:
            endpoints: ["http://raw.test"]
            timeout: 5s
            credential: { broker: none }
        functions:
          people.get: { upstream: people, method: GET, path: "/people/{id}", risk: low }
          people.head: { upstream: people, method: HEAD, path: "/people/{id}", risk: low }
          raw.get: { upstream: raw, method: GET, path: "/raw/{id}", risk: low }
          raw.head: { upstream: raw, method: HEAD, path: "/raw/{id}", risk: low }
          raw.post: { upstream: raw, method: POST, path: "/raw/{id}", risk: medium }
          raw.counted: { upstream: raw, method: GET, path: "/counted/{id}", risk: low }
          raw.strict: { upstream: raw, method: GET, path: "/strict/{id}", risk: high }
          billing.get: { upstream: billing, method: GET, path: "/billing/{account}", risk: low }
          billing.refund:
            { upstream: billing, method: POST, path: "/billing/{account}/refunds", risk: high, headers: [If-Match] }
          billing.held: { upstream: billing, method: POST, path: "/billing/{account}/holds", risk: high }
          billing.explained: { upstream: billing, method: POST, path: "/billing/{account}/explained", risk: high }
        rules:
          - { id: read, subjects: { groups: [support] }, functions: ["people.*", "raw.*", billing.get], effect: allow }
          - id: big-money
            subjects: { groups: [support] }
            functions: [billing.refund]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], decideWithin: 15m, useWithin: 5m }
          - id: held
            subjects: { groups: [support] }
            functions: [billing.held]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], hold: 30s }
          - id: explained
            subjects: { groups: [support] }
            functions: [billing.explained]
            effect: approve
            approval: { stages: [{ groups: [finance-leads], count: 1 }], reason: required }
          - { id: no-contractors, subjects: { groups: [contractors] }, functions: ["*"], effect: deny }
        separations:
          - { id: clerk-or-approver, kind: static, groups: [ap-clerk, ap-approver] }
        limits:
          - { id: counted, functions: [raw.counted], per: caller, rate: 1/m }
        masks:
          - { id: pii, functions: ["people.*"], fields: [ssn, email], except: { groups: [pii-cleared] } }
        """;
}
