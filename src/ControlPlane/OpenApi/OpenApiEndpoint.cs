using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.OpenApi;

/// <summary>
/// The description of this listener, for clients that are made from it. Kept by hand beside the code, and held by tests
/// against the routes and against real answers (decision 0051).
/// </summary>
internal static class OpenApiEndpoint
{
    /// <summary>Where it is.</summary>
    public const string Path = "/openapi/v1.json";

    private const string Resource = "openapi.v1.json";

    /// <summary>The document as it is embedded.</summary>
    public static byte[] Document()
    {
        using Stream stream = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream(Resource)!;
        using MemoryStream document = new();
        stream.CopyTo(document);
        return document.ToArray();
    }

    public static void Map(Routes routes)
    {
        Reply described = Reply.Bytes(Document());
        routes.Open(HttpMethods.Get, Path, context => ValueTask.FromResult(
            RequestReading.IsKnown(context, described.ETag!) ? Reply.NotModified(described.ETag!) : described));
    }
}
