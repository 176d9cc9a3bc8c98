using System.Net;

namespace Countersign.DataPlane.Upstream;

/// <summary>
/// The addresses of one endpoint of the policy. A literal has its own for ever; a name is resolved again and again in
/// the background, and keeps its last addresses while nobody knows of others.
/// </summary>
internal sealed class NameWatch
{
    // More addresses than balancing gains from; a resolver's answer must not decide how much memory is used.
    private const int AddressesMax = 64;

    private readonly INameResolver _resolver;
    private readonly string _host;
    private IPEndPoint[] _addresses = [];
    private long _dueAt;
    private Task? _pending;

    internal NameWatch(Uri endpoint, INameResolver resolver, NameWatch? before)
    {
        Endpoint = endpoint;
        _resolver = resolver;
        _host = endpoint.IdnHost;
        IsLiteral = IPAddress.TryParse(_host, out IPAddress? address);
        if (IsLiteral) _addresses = [new IPEndPoint(address!, endpoint.Port)];
        else if (before is not null) (_addresses, _dueAt) = (before._addresses, before._dueAt);
    }

    /// <summary>The endpoint as the policy has it.</summary>
    internal Uri Endpoint { get; }

    /// <summary>True for an address, which is never resolved.</summary>
    internal bool IsLiteral { get; }

    /// <summary>Where it is, in a fixed order; empty until it is known.</summary>
    internal IPEndPoint[] Addresses => Volatile.Read(ref _addresses);

    /// <summary>The resolution under way, or null.</summary>
    internal Task? Pending => Volatile.Read(ref _pending);

    /// <summary>Begins to resolve if it is time to.</summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="every">From one resolution to the next, as timestamps.</param>
    /// <param name="soon">The same after one that found nothing.</param>
    /// <param name="within">How long one may take.</param>
    /// <param name="onChange">Called when the addresses have become others.</param>
    internal void Beat(long now, long every, long soon, TimeSpan within, Action onChange)
    {
        if (IsLiteral || now < Volatile.Read(ref _dueAt)) return;
        if (Volatile.Read(ref _pending) is { IsCompleted: false }) return;
        Volatile.Write(ref _dueAt, now + soon);
        Volatile.Write(ref _pending, ResolveAsync(now + every, within, onChange));
    }

    private async Task ResolveAsync(long next, TimeSpan within, Action onChange)
    {
        IPAddress[] found = await _resolver.ResolveAsync(_host, within);
        if (found.Length == 0) return; // keep what is known: a resolver's outage is not the upstream's
        Volatile.Write(ref _dueAt, next);
        IPEndPoint[] addresses = [.. found.Distinct()
            .OrderBy(address => address.AddressFamily).ThenBy(address => address.ToString(), StringComparer.Ordinal)
            .Take(AddressesMax)
            .Select(address => new IPEndPoint(address, Endpoint.Port))];
        if (addresses.AsSpan().SequenceEqual(Addresses)) return;
        Volatile.Write(ref _addresses, addresses);
        onChange();
    }
}
