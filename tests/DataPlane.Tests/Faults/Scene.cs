using System.Net;
using System.Text.Json;
using Countersign.DataPlane.Tests.Calls;
using Countersign.DataPlane.Upstream;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Faults;

/// <summary>How far a call has come.</summary>
public enum Stage
{
    /// <summary>Connected, nothing sent.</summary>
    Connected = 0,

    /// <summary>In the middle of the head.</summary>
    Head,

    /// <summary>In the middle of a body that policy must see whole.</summary>
    HeldBody,

    /// <summary>In the middle of a body that is passed on as it comes.</summary>
    StreamedBody,

    /// <summary>The issuer's keys are waited for.</summary>
    Identity,

    /// <summary>Held until somebody approves.</summary>
    Approval,

    /// <summary>The intent is on its way to the disk, or has just got there.</summary>
    Intent,

    /// <summary>A connection to the upstream is being opened.</summary>
    Connect,

    /// <summary>The upstream has the request.</summary>
    Answer,

    /// <summary>Half of the answer is with the client.</summary>
    Body,

    /// <summary>Half of an answer is in the gateway, since it is masked whole.</summary>
    MaskedBody,

    /// <summary>The answer is with the client.</summary>
    Done,
}

/// <summary>
/// One call brought to a stage, and held there until <see cref="GoOn"/>: what would end the stage is in the test's
/// hand.
/// </summary>
internal sealed class Scene : IAsyncDisposable
{
    private readonly TaskCompletionSource _reached = NewSignal();
    private readonly TaskCompletionSource _gate = NewSignal();
    private readonly Stage _stage;

    internal Scene(Stage stage)
    {
        _stage = stage;
        Gateway = new MemoryGateway(
            Policies.Standard, issuerSite: stage == Stage.Identity ? new HeldSite(this) : null);
        Gateway.Upstream.Script = AnswerAsync;
        if (stage == Stage.Connect) Gateway.Upstream.BeforeDial = PassAsync;
        if (stage == Stage.Approval) Gateway.Store.OnWatch = _ => _reached.TrySetResult();
        Client = Gateway.Connect();
    }

    internal MemoryGateway Gateway { get; }

    internal MemoryClient Client { get; }

    /// <summary>Sends what brings the call to its stage, and waits until it is there.</summary>
    internal async Task ReachAsync()
    {
        string get = Requests.Get(Gateway, "/raw/1");
        const string Length = "Content-Type: application/json\r\nContent-Length: 100\r\n";
        await Client.SendAsync(_stage switch
        {
            Stage.Connected => "",
            Stage.Head => get[..^20],
            Stage.HeldBody => Requests.Head(Gateway, "POST", "/billing/7/refunds", Length) + "{\"a\":",
            Stage.StreamedBody => Requests.Head(Gateway, "POST", "/raw/1", Length) + "{\"a\":",
            Stage.Approval => Requests.Post(Gateway, "/billing/7/holds", "{}"),
            Stage.Intent => Requests.Get(Gateway, "/strict/1"),
            Stage.MaskedBody => Requests.Get(Gateway, "/people/1"),
            _ => get,
        });
        if (_stage is Stage.Body or Stage.Done) await Client.WaitForAsync(100);
        if (_stage is Stage.Connected or Stage.Head or Stage.HeldBody or Stage.Intent) return;
        await _reached.Task.WaitAsync(WireReader.HangGuard);
    }

    /// <summary>Lets what was waited for happen.</summary>
    internal void GoOn() => _gate.TrySetResult();

    /// <summary>
    /// Waits until the connection was let go of, proves that nothing was left behind, and that the next client is
    /// served; the verdict of the last call before that, or null.
    /// </summary>
    internal async Task<string?> EndAsync()
    {
        await Client.ServedAsync();
        await Client.Connection.Ended.WaitAsync(WireReader.HangGuard);
        Leftovers.None(Gateway);
        MemoryClient next = Gateway.Connect();
        Gateway.Upstream.Script = null;
        Gateway.Upstream.BeforeDial = null;
        Assert.Equal(200, (await next.CallAsync(Requests.Get(Gateway, "/billing/7"))).Status);
        JsonElement[] outcomes = [.. (await Gateway.CloseAuditAsync())
            .Where(one => one.GetProperty("type").GetString() == "outcome")];
        Leftovers.None(Gateway);
        Assert.Equal("ok", outcomes[^1].GetProperty("verdict").GetString());
        return outcomes.Length < 2 ? null : outcomes[^2].GetProperty("verdict").GetString();
    }

    public ValueTask DisposeAsync()
    {
        GoOn();
        return Gateway.DisposeAsync();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task PassAsync()
    {
        _reached.TrySetResult();
        return _gate.Task;
    }

    private async Task AnswerAsync(UpstreamSession session)
    {
        if (_stage == Stage.StreamedBody)
        {
            await session.WaitForAsync(50);
            _reached.TrySetResult();
            await session.ReadAsync();
            return;
        }

        await session.ReadAsync();
        string answer = ScriptedUpstream.Json("{\"a\":1234567890}");
        int half = _stage is Stage.Body or Stage.MaskedBody ? answer.Length - 5 : 0;
        if (_stage == Stage.Done) half = answer.Length;
        await session.WriteAsync(answer[..half]);
        await PassAsync();
        await session.WriteAsync(answer[half..]);
    }

    /// <summary>The issuer's site, which answers when the scene goes on.</summary>
    private sealed class HeldSite(Scene scene) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await scene.PassAsync().WaitAsync(cancellationToken);
            string path = request.RequestUri!.AbsolutePath;
            bool isMetadata = path.EndsWith("openid-configuration", StringComparison.Ordinal);
            string text = isMetadata
                ? $$"""{"issuer":"{{TestIssuer.Issuer}}","jwks_uri":"{{TestIssuer.Issuer}}/jwks"}"""
                : scene.Gateway.Issuer.Jwks;
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(text) };
        }
    }
}

/// <summary>What calls take up and must give back.</summary>
internal static class Leftovers
{
    /// <summary>Proves that no call is counted anywhere and that every upstream connection is an idle one.</summary>
    internal static void None(MemoryGateway gateway)
    {
        Assert.Equal(0, gateway.Handler.Count);
        Assert.Equal(
            (0, 0, 0L),
            (gateway.Admission.Gateway.InFlight, gateway.Admission.Parked, gateway.Admission.BufferedBytes));
        foreach (UpstreamGroup group in gateway.Pools.Current)
        {
            Assert.Equal((0, 0), (group.CallsInFlight, gateway.Admission.LimitOf(group.Terms).InFlight));
            Assert.All(group.Members, one => Assert.Equal(
                (0, one.ConnectionsIdle), (one.CallsInFlight, one.ConnectionsOpen)));
        }
    }
}
