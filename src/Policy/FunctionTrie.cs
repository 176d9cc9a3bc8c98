using System.Text;

namespace Countersign.Policy;

/// <summary>
/// Finds the function for a method and path. A literal segment is tried before a parameter, a typed parameter before
/// one that takes anything, and the next again where one leads nowhere. One hash lookup per segment, however many
/// functions there are.
/// </summary>
internal sealed class FunctionTrie
{
    private readonly Dictionary<byte[], Node> _methods = new(SegmentComparer.Instance);
    private readonly Dictionary<byte[], Node>.AlternateLookup<ReadOnlySpan<byte>> _byMethod;

    public FunctionTrie() => _byMethod = _methods.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Adds a function; the reader has refused two of one method and shape.</summary>
    public void Add(Function function, string method, PathTemplate path)
    {
        byte[] name = Encoding.ASCII.GetBytes(method);
        if (!_methods.TryGetValue(name, out Node? node)) _methods.Add(name, node = new Node());
        foreach (PathSegment segment in path.Segments) node = node.GetOrAdd(segment);
        node.Function = function;
    }

    [HotPath]
    public Function? Find(ReadOnlySpan<byte> method, ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[0] != (byte)'/') return null;
        if (!_byMethod.TryGetValue(method, out Node? root)) return null;
        return path.Length == 1 ? root.Function : Match(root, path[1..]);
    }

    /// <summary>As deep as the deepest template at most: a node without children ends it.</summary>
    [HotPath]
    private static Function? Match(Node node, ReadOnlySpan<byte> rest)
    {
        int slash = rest.IndexOf((byte)'/');
        ReadOnlySpan<byte> segment = slash < 0 ? rest : rest[..slash];
        if (segment.IsEmpty || !TryLook(node, segment, out Node? literal, out int fits)) return null;
        ReadOnlySpan<byte> tail = slash < 0 ? default : rest[(slash + 1)..];
        Function? found = Enter(literal, slash < 0, tail);
        if (found is null && node.HasParameters) found = MatchParameters(node, fits, slash < 0, tail);
        return found;
    }

    [HotPath]
    private static Function? MatchParameters(Node node, int fits, bool isLast, ReadOnlySpan<byte> tail)
    {
        Function? found = null;
        for (ParameterType type = ParameterType.Int; type < ParameterType.Any && found is null; type++)
        {
            if ((fits & (1 << (int)type)) != 0) found = Enter(node.FindParameter(type), isLast, tail);
        }

        return found ?? Enter(node.FindParameter(ParameterType.Any), isLast, tail);
    }

    [HotPath]
    private static Function? Enter(Node? child, bool isLast, ReadOnlySpan<byte> tail) =>
        child is null ? null : isLast ? child.Function : Match(child, tail);

    /// <summary>False if the segment is one that no template may match: badly encoded, or hiding a slash.</summary>
    [HotPath]
    private static bool TryLook(Node node, ReadOnlySpan<byte> segment, out Node? literal, out int fits)
    {
        if (segment.Contains((byte)'%')) return TryLookDecoded(node, segment, out literal, out fits);
        literal = node.FindLiteral(segment);
        fits = node.HasTypes && segment.Length <= PolicyLimits.SegmentBytesMax ? ParameterTypes.Fitting(segment) : 0;
        return true;
    }

    /// <summary>Apart, so that its stack is given back before the next segment.</summary>
    [HotPath]
    private static bool TryLookDecoded(Node node, ReadOnlySpan<byte> segment, out Node? literal, out int fits)
    {
        literal = null;
        fits = 0;
        Span<byte> decoded = stackalloc byte[PolicyLimits.SegmentBytesMax];
        int length = 0;
        for (int index = 0; index < segment.Length; index++)
        {
            int one = segment[index];
            if (one == '%')
            {
                if (index + 2 >= segment.Length) return false;
                one = (HexValue(segment[index + 1]) << 4) | HexValue(segment[index + 2]);
                if (one <= 0 || one == '/') return false;
                index += 2;
            }

            if (length < decoded.Length) decoded[length] = (byte)one;
            length++;
        }

        // Longer than any literal or typed segment may be: only a parameter that takes anything can match.
        if (length > decoded.Length) return true;
        literal = node.FindLiteral(decoded[..length]);
        if (node.HasTypes) fits = ParameterTypes.Fitting(decoded[..length]);
        return true;
    }

    /// <summary>-1 for what is no hexadecimal digit; shifted or joined with another digit it stays negative.</summary>
    [HotPath]
    internal static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };

    /// <summary>
    /// Small, and one object where it has one child, as most have: in a large policy each object on the way is a miss
    /// of the processor's caches (bench/results/policy.md).
    /// </summary>
    private sealed class Node
    {
        // One literal child stands here, more of them in a table.
        private byte[]? _name;
        private Node? _child;
        private Literals? _literals;

        private Node? _any;
        private Node?[]? _typed;

        public Function? Function { get; set; }

        public bool HasParameters => _any is not null || _typed is not null;

        /// <summary>True if there is a parameter that does not take everything.</summary>
        public bool HasTypes => _typed is not null;

        public Node GetOrAdd(PathSegment segment)
        {
            if (segment.Literal is not null) return GetOrAddLiteral(Encoding.UTF8.GetBytes(segment.Literal));
            if (segment.Type == ParameterType.Any) return _any ??= new Node();
            _typed ??= new Node?[(int)ParameterType.Any];
            return _typed[(int)segment.Type] ??= new Node();
        }

        private Node GetOrAddLiteral(byte[] name)
        {
            if (FindLiteral(name) is { } known) return known;
            Node child = new();
            if (_name is null && _literals is null)
            {
                (_name, _child) = (name, child);
                return child;
            }

            _literals ??= new Literals();
            if (_name is not null) _literals.Add(_name, _child!);
            _literals.Add(name, child);
            (_name, _child) = (null, null);
            return child;
        }

        [HotPath]
        public Node? FindLiteral(ReadOnlySpan<byte> segment) =>
            _name is not null ? segment.SequenceEqual(_name) ? _child : null : _literals?.Find(segment);

        [HotPath]
        public Node? FindParameter(ParameterType type) =>
            type == ParameterType.Any ? _any : _typed?[(int)type];
    }

    private sealed class Literals
    {
        private readonly Dictionary<byte[], Node> _byName = new(SegmentComparer.Instance);
        private readonly Dictionary<byte[], Node>.AlternateLookup<ReadOnlySpan<byte>> _bySegment;

        public Literals() => _bySegment = _byName.GetAlternateLookup<ReadOnlySpan<byte>>();

        public void Add(byte[] name, Node node) => _byName.Add(name, node);

        [HotPath]
        public Node? Find(ReadOnlySpan<byte> segment)
        {
            _bySegment.TryGetValue(segment, out Node? node);
            return node;
        }
    }

    /// <summary>Compares bytes, so that a call's path needs no string and no array.</summary>
    private sealed class SegmentComparer :
        IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly SegmentComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        [HotPath]
        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        [HotPath]
        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            HashCode hash = default;
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
