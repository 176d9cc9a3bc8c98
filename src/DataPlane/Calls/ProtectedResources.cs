using System.Text;
using Countersign.DataPlane.Http;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// Which protected resource (RFC 9728) a refused call was for: an MCP endpoint is one of its own, named as its clients
/// name it; everything else belongs to the listener's.
/// </summary>
internal sealed class ProtectedResources(string publicUrl, PolicyInForce inForce)
{
    private readonly string _metadataUrl = publicUrl + ResourceMetadata.Path;

    /// <summary>
    /// Where the metadata of this call's resource is (RFC 9728 section 3.1: of one under a path the path follows).
    /// </summary>
    /// <remarks>A caller who is nobody has no function yet, so the endpoint is looked for here.</remarks>
    internal string MetadataUrl(CallContext call)
    {
        RequestHead request = call.Request;
        bool isEndpoint = (call.Policy ?? inForce.Current) is { } policy
            && policy.TryResolve(
                request.Value(FieldId.Host), call.Client.IsTls, "POST"u8, request.Path, out Function? function)
            && function.Endpoint is not null;
        return isEndpoint ? _metadataUrl + Encoding.ASCII.GetString(request.Path) : _metadataUrl;
    }
}
