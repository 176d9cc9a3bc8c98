using Countersign.Policy.Review;

namespace Countersign.Policy.Tests.Review;

public sealed class PolicyCasesTests
{
    private const string Policy = """
        apiVersion: countersign/v1
        upstreams: { up: { endpoints: ["http://h"] } }
        functions:
          f.get: { upstream: up, method: GET, path: "/f/{id:int}", risk: low }
          f.there: { upstream: up, method: GET, path: "/f/{id:int}", risk: low, hosts: [there.test] }
        rules:
          - { id: read, subjects: { groups: [staff] }, functions: ["*"], effect: allow }
          - { id: tried, subjects: { groups: [temps] }, functions: ["*"], effect: deny, mode: observe }
          - { id: never, subjects: { groups: [guests] }, functions: ["*"], effect: deny }
        separations: [{ id: apart, kind: static, groups: [a, b] }]
        masks: [{ id: pii, functions: ["*"], fields: [ssn] }]
        """;

    // Proves that cases pass and fail by what they expect, that each fault is said, and that coverage names the rules
    // that decided nothing.
    [Fact]
    public void Cases_are_judged_and_coverage_is_counted()
    {
        PolicyTestReport report = Run("""
            callers: { ann: { groups: [staff] } }
            cases:
              - { name: good, caller: ann, call: GET /f/7?x=1,
                  expect: { effect: allow, rule: read, function: f.get, masks: [pii], stages: [] } }
              - { name: host, caller: ann, call: GET /f/7, host: THERE.test, expect: { function: f.there } }
              - { name: id, caller: { groups: [staff, temps] }, function: f.get,
                  expect: { effect: allow, observed: deny } }
              - { name: none, caller: ann, call: GET /f/x, expect: unknown-function }
              - { name: bad, caller: ann, function: f.get,
                  expect: { effect: deny, rule: never, function: f.there, masks: [] } }
              - { name: lost, caller: ann, call: GET /g, expect: allow }
              - { name: found, caller: ann, call: GET /f/1, expect: unknown-function }
            """);
        Assert.Equal([true, true, true, true, false, false, false], report.Results.Select(result => result.IsPassed));
        Assert.Equal(
        [
            "expected effect deny, but it is allow", "expected rule never, but it is read",
            "expected function f.there, but it is f.get", "expected masks none, but they are pii",
        ], report.Results[4].Faults);
        Assert.Equal("no function was found", Assert.Single(report.Results[5].Faults));
        Assert.Equal("expected no function, but it is f.get", Assert.Single(report.Results[6].Faults));
        Assert.Equal(["never", "apart"], report.Unexercised);
    }

    // Proves that what a rule in observe would have done counts as exercising it, and that a function which is not
    // there is no pass.
    [Fact]
    public void What_is_observed_is_exercised()
    {
        PolicyTestReport report = Run("""
            cases:
              - { name: tried, caller: { groups: [staff, temps] }, function: f.get, expect: allow }
              - { name: gone, caller: { groups: [staff] }, function: f.gone, expect: allow }
            """);
        Assert.DoesNotContain("tried", report.Unexercised);
        Assert.False(report.Results[1].IsPassed);
    }

    // Proves that every error of a file of cases has its place.
    [Fact]
    public void A_file_with_errors_is_not_run()
    {
        Assert.Null(PolicyCases.Read("""
            callers: { ann: { groups: [staff], kind: robot } }
            cases:
              - { name: a, caller: anne, call: GET /f, expect: alow }
              - { name: b, caller: ann, call: f.get, expect: {} }
              - { name: c, caller: ann, call: GET /f, function: f, expect: { efect: allow } }
              - { name: d, caller: ann, expect: allow, at: yesterday }
            """, out IReadOnlyList<PolicyError> errors));
        Assert.Equal(
        [
            "1:42 kind must be human, agent, ci or service, not 'robot'",
            "3:24 there is no caller 'anne'; did you mean 'ann'?",
            "3:52 expect must be allow, approve, deny, unknown-function",
            "4:35 'f.get' is not a method and a path, such as GET /people/7",
            "4:50 expect says nothing",
            "5:5 a case needs 'call' or 'function', and not both",
            "5:66 'efect' is not a key of expect; did you mean 'effect'?",
            "6:5 a case needs 'call' or 'function', and not both",
            "6:48 'yesterday' is not a time, such as 2026-03-01T12:00:00Z",
        ], errors.Select(error => $"{error.Line}:{error.Column} {error.Message}"));
    }

    // Proves that the demo's own cases pass under the demo's policy, and leave no rule unexercised.
    [Fact]
    public void The_sample_passes_whole()
    {
        PolicyCases cases = Read(PolicyTexts.ReadFile("samples/policies/demo.test.yaml"));
        PolicySnapshot policy = PolicyTexts.Compile(PolicyTexts.ReadFile("samples/policies/" + cases.Policy));
        PolicyTestReport report = cases.Run(policy, TimeProvider.System);
        Assert.All(report.Results, result => Assert.True(
            result.IsPassed, $"{result.Case.Name}: {string.Join("; ", result.Faults)}"));
        Assert.Empty(report.Unexercised);
    }

    private static PolicyTestReport Run(string cases) =>
        Read(cases).Run(PolicyTexts.Compile(Policy), TimeProvider.System);

    private static PolicyCases Read(string text)
    {
        PolicyCases? cases = PolicyCases.Read(text, out IReadOnlyList<PolicyError> errors);
        Assert.Empty(errors);
        return cases!;
    }
}
