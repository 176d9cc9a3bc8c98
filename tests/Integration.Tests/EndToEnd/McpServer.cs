using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.AspNetCore;
using ModelContextProtocol.Server;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>An MCP server that is not ours: the SDK's, with a few tools that note what they were called with.</summary>
internal sealed class McpServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<string> _done = new();

    private McpServer(WebApplication app) => _app = app;

    /// <summary>What tools did, in order.</summary>
    public string[] Done => [.. _done];

    /// <summary>Where it listens.</summary>
    public string Address => _app.Urls.First();

    /// <summary>Starts it on a free port.</summary>
    public static async Task<McpServer> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        McpServer? server = null;
        builder.Services.AddMcpServer()
            .WithHttpTransport(options => options.SessionMode = HttpServerSessionMode.StatefulForInitializeClients)
            .WithTools(
            [
                McpServerTool.Create((string id) => server!.Find(id), new() { Name = "find_user" }),
                McpServerTool.Create((string id) => server!.Do("delete_user", id), new() { Name = "delete_user" }),
                McpServerTool.Create((string id) => server!.Do("wipe", id), new() { Name = "wipe" }),
            ]);
        server = new McpServer(builder.Build());
        server._app.MapMcp("/mcp");
        await server._app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private string Find(string id)
    {
        _done.Enqueue("find_user " + id);
        return $$"""{"id":"{{id}}","name":"Ann","ssn":"078-05-1120"}""";
    }

    private string Do(string tool, string id)
    {
        _done.Enqueue(tool + " " + id);
        return tool + " done";
    }
}
