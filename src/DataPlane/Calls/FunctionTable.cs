using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>Which function a call is for, under the snapshot that the rest of the call is decided by.</summary>
internal sealed class FunctionTable(PolicyInForce inForce, Limits limits)
{
    /// <summary>
    /// Finds the function by method and path, and, at an MCP endpoint, by the message.
    /// </summary>
    [HotPath]
    internal Verdict Resolve(CallContext call)
    {
        PolicySnapshot? policy = call.Policy ??= inForce.Current;
        if (policy is null)
        {
            call.Detail = inForce.IsDoubted
                ? "The policy store answers with an older policy than this gateway has seen, and the gateway runs none."
                : "No policy is in force: none has been published yet, or the one that has been cannot be loaded.";
            return Verdict.PolicyStale;
        }

        ReadOnlySpan<byte> host = call.Request.Value(FieldId.Host);
        bool isTls = call.Client.IsTls;
        if (!policy.TryResolve(host, isTls, call.Request.Method, call.Request.Path, out Function? function))
        {
            return Verdict.UnknownFunction;
        }

        call.Function = function;
        if (call.Request.Framing == BodyFraming.Length && call.Request.ContentLength > limits.BodyBytesMax)
        {
            return Verdict.BodyTooLarge;
        }

        return function.Endpoint is null ? Verdict.Proceed : McpCalls.Resolve(call);
    }

    /// <summary>Buffers the message that <see cref="Resolve"/> asked for, then resolves again.</summary>
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    internal async ValueTask<Verdict> PeekAsync(CallContext call)
    {
        Verdict read = await RequestBodies.BufferAsync(call, limits.ApprovalBodyBytesMax, limits, isWhole: true);
        return read == Verdict.Proceed ? Resolve(call) : read;
    }
}
