using System.Diagnostics.CodeAnalysis;
using Countersign.Policy.Conditions;

namespace Countersign.Policy;

/// <summary>
/// One version of the policy, compiled and immutable: finds the function of a call and decides it, without lock,
/// allocation or network trip (DESIGN section 6). Made by <see cref="PolicyReader"/> only.
/// </summary>
public sealed partial class PolicySnapshot
{
    /// <summary>Those of the document, then those of the protocols of its MCP endpoints.</summary>
    private readonly Function[] _functions;
    private readonly Function[] _named;
    private readonly Dictionary<string, Function> _byId = new(StringComparer.Ordinal);
    private readonly HostTable _table = new();
    private readonly GroupIndex _groups = new();
    private readonly GroupSet[] _ruleGroups;
    private readonly GroupSet[] _separationGroups;
    private readonly GroupSet[] _maskExceptions;
    private readonly int[][] _rulesByFunction;
    private readonly int[][] _masksByFunction;
    private readonly Dictionary<(int Rule, int Function), ConditionProgram> _conditions;

    internal PolicySnapshot(long version, string sha256, PolicyContent content)
    {
        Version = version;
        Sha256 = sha256;
        Mode = content.Mode;
        Upstreams = content.Upstreams;
        Rules = content.Rules;
        Separations = content.Separations;
        Masks = content.Masks;
        Limits = content.Limits;
        _conditions = content.Conditions;
        _named = [.. content.Functions.Select(entry => entry.Function)];
        foreach ((Function function, PathTemplate path) in content.Functions)
        {
            _byId.Add(function.Id, function);
            if (function.Tool.Length == 0) _table.Add(function, path);
        }

        var endpoints = McpEndpoint.Of(content.Functions);
        foreach ((HostPattern host, PathTemplate path, Function protocol) in endpoints)
            _table.AddEndpoint(host, protocol, path);
        _functions = [.. _named, .. endpoints.Select(one => one.Protocol)];
        foreach (Function function in _functions) function.Owner = this;

        _observes = Mode == PolicyMode.Observe || Rules.Any(rule => rule.Mode == PolicyMode.Observe);
        foreach (Rule rule in Rules) _groups.Add(rule.Groups);
        foreach (Separation separation in Separations) _groups.Add(separation.Groups);
        foreach (MaskRule mask in Masks) _groups.Add(mask.ExceptGroups);
        _ruleGroups = [.. Rules.Select(rule => _groups.SetOf(rule.Groups))];
        _separationGroups = [.. Separations.Select(separation => _groups.SetOf(separation.Groups))];
        _maskExceptions = [.. Masks.Select(mask => _groups.SetOf(mask.ExceptGroups))];
        _rulesByFunction = IndexByFunction([.. Rules.Select(rule => rule.Functions)]);
        _masksByFunction = IndexByFunction([.. Masks.Select(mask => mask.Functions)]);
        foreach (Function protocol in _functions.AsSpan(_named.Length))
            _masksByFunction[protocol.Index] = MasksAt(protocol);
        _limitsByFunction = IndexLimits();
        DynamicSeparations = content.DynamicSeparations;
        _dutiesByFunction = IndexDuties(content);
    }

    /// <summary>The number it was published under; 0 for one that was not.</summary>
    public long Version { get; }

    /// <summary>SHA-256 of the canonical JSON in UTF-8, 64 lower-case hexadecimal digits.</summary>
    public string Sha256 { get; }

    /// <summary>By name, in ordinal order.</summary>
    public IReadOnlyList<Upstream> Upstreams { get; }

    /// <summary>By id, in ordinal order; <see cref="Function.Index"/> is the place here.</summary>
    public IReadOnlyList<Function> Functions => _named;

    /// <summary>In document order.</summary>
    public IReadOnlyList<Rule> Rules { get; }

    /// <summary>In document order.</summary>
    public IReadOnlyList<Separation> Separations { get; }

    /// <summary>In document order.</summary>
    public IReadOnlyList<MaskRule> Masks { get; }

    /// <summary>The function with this id, or null. Case matters.</summary>
    public Function? Find(string functionId) => _byId.GetValueOrDefault(functionId);

    /// <summary>Finds the function of a call that names no host, or of a policy that does not ask for one.</summary>
    [HotPath]
    public bool TryResolve(
        ReadOnlySpan<byte> method, ReadOnlySpan<byte> path, [NotNullWhen(true)] out Function? function) =>
        TryResolve(default, isTls: false, method, path, out function);

    /// <summary>
    /// Finds the function that a request names: of its host if there is one, else of no host. Literal segments win over
    /// parameters, typed ones over others; no method stands for another.
    /// </summary>
    /// <param name="host">The Host field as sent; case does not matter. Empty where there is none.</param>
    /// <param name="isTls">The client came over TLS: a host without a port means 443 then, and 80 otherwise.</param>
    /// <param name="method">As sent; case matters (RFC 9110 section 9.1).</param>
    /// <param name="path">As sent, without query, already known to be unambiguous (DESIGN 4.3). A segment is
    /// percent-decoded before it is compared.</param>
    /// <param name="function">The function, or null when none matches. At an MCP endpoint the one of its protocol,
    /// whose <see cref="Function.Endpoint"/> finds the tool that the message names.</param>
    [HotPath]
    public bool TryResolve(
        ReadOnlySpan<byte> host, bool isTls, ReadOnlySpan<byte> method, ReadOnlySpan<byte> path,
        [NotNullWhen(true)] out Function? function)
    {
        function = _table.Find(host, isTls, method, path);
        return function is not null;
    }

    /// <summary>
    /// What this policy says of the caller and the function. The first time for the pair it is worked out, after that
    /// it is looked up. Where it depends on the call, <see cref="Decision.IsConditional"/>, it denies until it is asked
    /// with the call's facts. The function is one of this snapshot's; another's is a bug and throws.
    /// </summary>
    [HotPath]
    public Decision Decide(Caller caller, Function function)
    {
        CallerView? view = caller.View;
        bool isKnown = view is not null && view.Snapshot == this && IsOurs(function);
        Decision? decision = isKnown ? view!.Find(function.Index) : null;
        return decision ?? DecideFirst(caller, function);
    }

    /// <summary>The same decision as <see cref="Decide"/>, worked out anew and kept nowhere.</summary>
    public Decision Evaluate(Caller caller, Function function)
    {
        ArgumentNullException.ThrowIfNull(caller);
        RequireOurs(function);
        return Evaluate(_groups.SetOf(caller.Groups), function);
    }

    /// <summary>
    /// The masks on a call's arguments for an approver in <paramref name="viewerGroups"/>, in document order. A
    /// function that this policy does not know any more is shown under every mask, whoever looks.
    /// </summary>
    public IReadOnlyList<MaskTerms> MasksFor(IReadOnlyList<string> viewerGroups, string functionId)
    {
        ArgumentNullException.ThrowIfNull(viewerGroups);
        return _byId.TryGetValue(functionId, out Function? function)
            ? MasksOf(_groups.SetOf(viewerGroups), function)
            : [.. Masks.Select(mask => mask.Terms)];
    }

    private Decision DecideFirst(Caller caller, Function function)
    {
        RequireOurs(function);
        CallerView? view = caller.View;
        if (view is null || view.Snapshot != this)
        {
            view = new CallerView(this, _groups.SetOf(caller.Groups), _functions.Length);
            caller.View = view;
        }

        Decision decision = Evaluate(view.Groups, function);
        view.Keep(function.Index, decision);
        return decision;
    }

    internal IReadOnlyList<MaskTerms> MasksOf(GroupSet held, Function function)
    {
        int[] masks = _masksByFunction[function.Index];
        return [.. masks.Where(index => !_maskExceptions[index].Meets(held)).Select(index => Masks[index].Terms)];
    }

    // An answer of a tool may come on the stream that its endpoint keeps open: what masks any tool masks the protocol.
    private int[] MasksAt(Function protocol) =>
        [.. protocol.Endpoint!.Tools.SelectMany(tool => _masksByFunction[tool.Index]).Distinct().Order()];

    [HotPath]
    private bool IsOurs(Function function) => ReferenceEquals(function.Owner, this);

    private void RequireOurs(Function function)
    {
        ArgumentNullException.ThrowIfNull(function);
        if (!IsOurs(function)) throw new ArgumentException("a function of another snapshot", nameof(function));
    }

    /// <summary>For each function the numbers of the lists that match it, ascending.</summary>
    private int[][] IndexByFunction(IReadOnlyList<string>[] lists)
    {
        List<int>?[] byFunction = new List<int>?[_functions.Length];
        for (int number = 0; number < lists.Length; number++)
        {
            foreach (string written in lists[number])
            {
                bool isId = !Glob.IsPattern(written) && !FunctionReference.IsTag(written);
                if (isId) Note(_byId[written].Index, number);
                else foreach (Function function in _named)
                {
                    if (FunctionReference.Covers(written, function.Id, function.Tags)) Note(function.Index, number);
                }
            }
        }

        return [.. byFunction.Select(numbers => numbers is null ? [] : numbers.ToArray())];

        // Two patterns of one list may match one function.
        void Note(int index, int number)
        {
            List<int> numbers = byFunction[index] ??= [];
            if (numbers.Count == 0 || numbers[^1] != number) numbers.Add(number);
        }
    }
}
