using System.ComponentModel;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Countersign.Integration.Tests.Identity;

/// <summary>A certified OpenID provider (the npm package of that name) in a process of its own, on loopback.</summary>
internal sealed class OidcProvider : IAsyncDisposable
{
    private const string Remedy = "run: npm ci --prefix tests/Integration.Tests/oidc-provider";

    private readonly Process _node;
    private readonly HttpClient _http = new();

    private OidcProvider(Process node, string issuer)
    {
        _node = node;
        Issuer = issuer;
    }

    /// <summary>Its <c>iss</c>, and where it listens.</summary>
    public string Issuer { get; }

    /// <summary>Starts it; a machine without Node.js or its packages fails the test and is told what to do.</summary>
    /// <param name="cancel">Gives up.</param>
    /// <param name="redirectUri">Where people who sign in come back to; null lets nobody sign in.</param>
    public static async Task<OidcProvider> StartAsync(CancellationToken cancel, string? redirectUri = null)
    {
        string folder = Path.Combine(Root(), "tests", "Integration.Tests", "oidc-provider");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "oidc-provider"))) Assert.Fail(Remedy);
        Process node = new()
        {
            StartInfo = new ProcessStartInfo(
                "node", redirectUri is null ? ["server.mjs", "0"] : ["server.mjs", "0", redirectUri])
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true, // the provider ends when this does, however the tests end
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        StringBuilder errors = new();
        node.ErrorDataReceived += (_, line) =>
        {
            lock (errors) errors.AppendLine(line.Data);
        };
        try
        {
            node.Start();
        }
        catch (Win32Exception)
        {
            node.Dispose();
            Assert.Fail("Node.js 20.19 or later is needed on the path; then " + Remedy);
        }

        node.BeginErrorReadLine();
        string? ready = await node.StandardOutput.ReadLineAsync(cancel);
        if (ready is null)
        {
            await node.WaitForExitAsync(cancel);
            node.Dispose();
            lock (errors) Assert.Fail($"the provider did not start; {Remedy}\n{errors}");
        }

        using JsonDocument line = JsonDocument.Parse(ready!);
        return new OidcProvider(node, line.RootElement.GetProperty("issuer").GetString()!);
    }

    /// <summary>Gets an access token as a client does (RFC 6749 section 4.4).</summary>
    public async Task<byte[]> TokenAsync(string client, CancellationToken cancel)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, Issuer + "/token")
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials")]),
        };
        string secret = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{client}:{client}-secret"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", secret);
        using HttpResponseMessage response = await _http.SendAsync(request, cancel);
        response.EnsureSuccessStatusCode();
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancel));
        return Encoding.ASCII.GetBytes(answer.RootElement.GetProperty("access_token").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _node.StandardInput.Close();
        await _node.WaitForExitAsync();
        _node.Dispose();
    }

    private static string Root([CallerFilePath] string source = "")
    {
        // The artifacts of a build may be kept elsewhere: then this file's own place is the one to start from.
        foreach (string start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(source)! })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "global.json"))) return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("no folder above the tests holds global.json");
    }
}
