using System.Net;

namespace Countersign.DataPlane.Upstream;

/// <summary>Turns names into addresses; one of the places where the process ends.</summary>
internal interface INameResolver
{
    /// <summary>Every address of a name; empty where it has none, or none is told in time.</summary>
    ValueTask<IPAddress[]> ResolveAsync(string host, TimeSpan within);
}
