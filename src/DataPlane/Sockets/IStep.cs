namespace Countersign.DataPlane.Sockets;

/// <summary>
/// What a loop goes on with in its turn: a read or a flush that waited. What it needs of the kernel first can be asked
/// for together with what others need.
/// </summary>
internal interface IStep
{
    /// <summary>Adds what it needs of the kernel; false if it has to ask by itself, or need not.</summary>
    bool TryAsk(Ring ring);

    /// <summary>Takes the kernel's answer: a count of bytes, or an error, negative.</summary>
    void Answer(int result);

    /// <summary>Ends the wait, or goes on waiting if there was nothing after all.</summary>
    void Continue();
}
