using System.Runtime.CompilerServices;
using Countersign.DataPlane.Http;
using Countersign.Policy;

namespace Countersign.DataPlane.Calls;

/// <summary>Which function a call is for, under the snapshot that the rest of the call is decided by.</summary>
internal sealed class FunctionTable(PolicyInForce inForce, Limits limits)
{
    /// <summary>
    /// Finds the function by method and path, and, where it is named there, by the first bytes of the body.
    /// </summary>
    [HotPath]
    internal Verdict Resolve(CallContext call)
    {
        PolicySnapshot? policy = call.Policy ??= inForce.Current;
        if (policy is null)
        {
            call.Detail = "No policy has been published yet.";
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

        bool seesEnough = call.BodyPrefix.Count >= function!.BodyPrefixBytes || call.RequestBody.IsWhole;
        return seesEnough ? Verdict.Proceed : Verdict.BodyNeeded;
    }

    /// <summary>Buffers the bounded prefix that <see cref="Resolve"/> asked for, then resolves again.</summary>
    [AsyncMethodBuilder(typeof(KeptTaskMethodBuilder<>))]
    internal async ValueTask<Verdict> PeekAsync(CallContext call)
    {
        Verdict read = await RequestBodies.BufferAsync(call, call.Function!.BodyPrefixBytes, limits, isWhole: false);
        return read == Verdict.Proceed ? Resolve(call) : read;
    }
}
