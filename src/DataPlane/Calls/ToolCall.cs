using System.Text;
using Countersign.DataPlane.Http;

namespace Countersign.DataPlane.Calls;

/// <summary>What a call of an MCP tool is made of beside its body; kept by the connection for its next.</summary>
internal sealed class ToolCall
{
    private readonly LeasedBuffer _place = new();
    private int _nameStart;
    private Range _arguments;

    /// <summary>True if the call is one of a tool.</summary>
    internal bool IsSet { get; private set; }

    /// <summary>Path, <c>#</c> and name: no target as sent holds a <c>#</c>, so this is read as nothing else.</summary>
    internal ReadOnlySpan<byte> Place => _place.Written;

    /// <summary>The tool's name, decoded.</summary>
    internal ReadOnlySpan<byte> Name => _place.Written[_nameStart..];

    /// <summary>The exact bytes of <c>arguments</c> in the body.</summary>
    internal ReadOnlyMemory<byte> ArgumentsIn(LeasedBuffer body) => body.WrittenMemory[_arguments];

    /// <summary>Takes a call of a tool, whether or not policy knows it.</summary>
    internal void Set(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name, Range arguments)
    {
        _place.Clear();
        WireText.Put(_place, path);
        WireText.Put(_place, "#"u8);
        _nameStart = _place.Count;
        WireText.Put(_place, name);
        _arguments = arguments;
        IsSet = true;
    }

    /// <summary>What approvers see in place of the target.</summary>
    internal string PlaceText() => Encoding.ASCII.GetString(Place);

    /// <summary>Keeps it in no more memory than it needs: for a call that waits long.</summary>
    internal void Shrink() => _place.Shrink();

    /// <summary>Forgets the call, and gives back what it held.</summary>
    internal void Return()
    {
        _place.Return();
        IsSet = false;
    }
}
