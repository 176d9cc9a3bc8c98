using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Countersign.ControlPlane.Console;

/// <summary>A style sheet, script or picture, served from the assembly itself.</summary>
/// <param name="Path">Holds the content's hash, so that it may be kept for ever.</param>
/// <param name="Integrity">What the page expects of it (Subresource Integrity).</param>
/// <param name="ContentType">Its type.</param>
/// <param name="Content">Its bytes.</param>
internal sealed record ConsoleAsset(string Path, string Integrity, string ContentType, ReadOnlyMemory<byte> Content);

/// <summary>What the pages are made of besides HTML. Embedded, so that every way to run the gateway has them.</summary>
internal static class ConsoleAssets
{
    private const string Forever = "public, max-age=31536000, immutable";

    public static ConsoleAsset Styles { get; } = Load("console.css", "text/css; charset=utf-8");

    public static ConsoleAsset Script { get; } = Load("console.js", "text/javascript; charset=utf-8");

    public static ConsoleAsset Icon { get; } = Load("icon.svg", "image/svg+xml");

    internal static void Map(Routes routes)
    {
        foreach (ConsoleAsset asset in new[] { Styles, Script, Icon })
        {
            Reply reply = new(200, asset.ContentType, asset.Content) { CacheControl = Forever };
            routes.Open(HttpMethods.Get, asset.Path, _ => new(reply));
        }
    }

    private static ConsoleAsset Load(string name, string contentType)
    {
        using Stream stream = typeof(ConsoleAssets).Assembly.GetManifestResourceStream("console/" + name)
            ?? throw new InvalidOperationException("The console's asset " + name + " is not in the assembly.");
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        byte[] hash = SHA256.HashData(content);
        string path = $"{ConsolePaths.Assets}/{Convert.ToHexStringLower(hash.AsSpan(0, 8))}/{name}";
        return new ConsoleAsset(path, "sha256-" + Convert.ToBase64String(hash), contentType, content);
    }
}
