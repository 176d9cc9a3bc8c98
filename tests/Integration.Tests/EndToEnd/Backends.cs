namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>
/// What a served gateway stands between, in the test process: the demo issuer and the demo functions.
/// </summary>
public sealed class Backends : IAsyncDisposable
{
    /// <summary>The audience of the sample configuration.</summary>
    public const string Audience = "countersign-demo";

    private readonly DemoIssuer.DemoIssuer _issuer;
    private readonly DemoFunctions.DemoFunctions _functions;

    private Backends(DemoIssuer.DemoIssuer issuer, DemoFunctions.DemoFunctions functions)
    {
        _issuer = issuer;
        _functions = functions;
    }

    /// <summary>The issuer's address.</summary>
    public string Issuer => _issuer.Address;

    /// <summary>The functions' address.</summary>
    public string Upstream => _functions.Address;

    /// <summary>Starts both on free ports.</summary>
    public static async Task<Backends> StartAsync()
    {
        DemoIssuer.DemoIssuer issuer = await DemoIssuer.DemoIssuer.StartAsync(
            "127.0.0.1:0", Audience, TimeProvider.System);
        return new(issuer, await DemoFunctions.DemoFunctions.StartAsync("127.0.0.1:0", TimeProvider.System));
    }

    /// <summary>A demo user's token.</summary>
    public string TokenOf(string user) => _issuer.Mint(user);

    public async ValueTask DisposeAsync()
    {
        await _functions.DisposeAsync();
        await _issuer.DisposeAsync();
    }
}
