namespace Countersign.Cli;

/// <summary>What the process says when it ends; documented in the README.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    internal const int Ok = 0;

    /// <summary>Refused or failed; the message says why.</summary>
    internal const int Failed = 1;

    /// <summary>The command line or the configuration is wrong; nothing was done.</summary>
    internal const int Usage = 2;

    /// <summary>A body cannot be masked; what was written of it is not to be taken for whole.</summary>
    internal const int NotMaskable = 3;

    /// <summary>The audit log is damaged.</summary>
    internal const int Damaged = 4;

    /// <summary>Stored, and not in force until another person approves it.</summary>
    internal const int Waiting = 5;
}
