using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Countersign.DataPlane.Calls;

/// <summary>
/// What an exception that escaped a stage means. A reset by the client is expected; anything else is a bug.
/// </summary>
internal sealed partial class Faults(ILogger log)
{
    /// <summary>The verdict for an exception; the connection will not be used again.</summary>
    internal Verdict Explain(Exception fault, CallContext call)
    {
        call.KeepAlive = false;
        if (fault is ConnectionResetException or ConnectionAbortedException or OperationCanceledException
            && call.Client.Closed.IsCancellationRequested)
        {
            return Verdict.ClientGone;
        }

        LogFault(log, fault, call.Id);
        return Verdict.Fault;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Call {Call} failed by a fault of the gateway")]
    private static partial void LogFault(ILogger log, Exception fault, Guid call);
}
