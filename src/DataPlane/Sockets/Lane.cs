namespace Countersign.DataPlane.Sockets;

/// <summary>
/// Which of the process's event loops the current thread is. What is pooled per lane is taken and put back by one
/// thread, so a connection to an upstream stays with the loop that serves the client.
/// </summary>
internal static class Lane
{
    [ThreadStatic]
    private static int t_current;

    /// <summary>How many lanes there are: lane 0 for every thread that is no loop, and one for each loop.</summary>
    internal static int Count { get; } = Environment.ProcessorCount + 1;

    /// <summary>The current thread's lane, 0 to <see cref="Count"/> - 1.</summary>
    internal static int Current => t_current;

    /// <summary>Makes the current thread a loop of this lane.</summary>
    internal static void Enter(int lane) => t_current = lane;
}
