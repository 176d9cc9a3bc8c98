using System.Globalization;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Countersign.Policy;

/// <summary>
/// YAML to nodes. Built from the parser's events, not its object model: that one stops at the first duplicate key, and
/// resolves anchors and tags, which a policy may not have because two readers could see two policies.
/// </summary>
internal sealed class DocumentTree
{
    private readonly IParser _parser;
    private readonly PolicyErrors _errors;
    private readonly string _source;
    private readonly string _file;
    private bool _stopped;

    private DocumentTree(IParser parser, string source, PolicyErrors errors, string file)
    {
        _file = file;
        _parser = parser;
        _source = source;
        _errors = errors;
    }

    /// <summary>The document's root; null, and among the errors why, if there is none or it is not YAML.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="errors">Where errors go.</param>
    /// <param name="file">Where the text is from, of a document in several files.</param>
    public static DocumentNode? Read(string text, PolicyErrors errors, string file = "")
    {
        if (!RawText.Check(text, errors, file)) return null;

        // The parser's mark stays on the last event: where it broke, when its own exception does not say.
        Parser parser = new(new StringReader(text));
        try
        {
            return new DocumentTree(parser, text, errors, file).ReadStream();
        }
        catch (YamlException broken)
        {
            bool isTab = broken.Message.Contains(" tab ", StringComparison.Ordinal);
            (int Line, int Column)? tab = isTab ? RawText.FindTab(text, parser.Current?.End ?? Mark.Empty) : null;
            if (tab is { } place) errors.Add(file, place.Line, place.Column, "a tab may not indent: use spaces");
            else AddAt(broken.Start, broken.Message, errors, file);
        }
        catch (Exception broken) when (broken is InvalidOperationException or ArgumentException)
        {
            // YamlDotNet 16.3 answers some broken flow collections ("a: [1", end of text) with these.
            AddAt(parser.Current?.Start ?? Mark.Empty, "this is not YAML: a bracket is not closed", errors, file);
        }

        return null;
    }

    private DocumentNode? ReadStream()
    {
        DocumentNode? root = null;
        _parser.MoveNext();
        while (_parser.MoveNext() && !_stopped)
        {
            if (_parser.Current is not DocumentStart start) continue;
            if (root is not null)
            {
                Refuse(start, "only one document is allowed");
                return root;
            }

            _parser.MoveNext();
            root = ReadNode(0);
            if (_stopped || (_parser.MoveNext() && _parser.Current is DocumentEnd)) continue;
            _stopped = true;
            Refuse(_parser.Current!, "this is not YAML: the document does not end here");
        }

        if (root is null) _errors.Add(_file, 1, 1, "the document is empty");
        return _stopped ? null : root;
    }

    private DocumentNode ReadNode(int depth)
    {
        ParsingEvent at = _parser.Current!;
        if (at is AnchorAlias) return Refuse(at, "aliases are not allowed");
        if (at is not NodeEvent node)
        {
            // YamlDotNet 16.3 ends a mapping of ": a" where the value should stand, without a word.
            _stopped = true;
            return Refuse(at, "this is not YAML: a key or a value is missing");
        }

        if (!node.Anchor.IsEmpty) Refuse(at, "anchors are not allowed");
        if (!node.Tag.IsEmpty) Refuse(at, "tags are not allowed");
        if (depth == PolicyLimits.DepthMax && node is not Scalar)
        {
            _stopped = true;
            return Refuse(at, $"nested more than {PolicyLimits.DepthMax} deep");
        }

        return node switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart => ReadSequence(at, depth),
            _ => ReadMapping(at, depth),
        };
    }

    private DocumentNode ReadSequence(ParsingEvent start, int depth)
    {
        DocumentNode sequence = NodeAt(start, NodeKind.Sequence);
        while (!_stopped && _parser.MoveNext() && _parser.Current is not SequenceEnd)
        {
            sequence.Items.Add(ReadNode(depth + 1));
        }

        return sequence;
    }

    private DocumentNode ReadMapping(ParsingEvent start, int depth)
    {
        DocumentNode mapping = NodeAt(start, NodeKind.Mapping);
        HashSet<string> seen = new(StringComparer.Ordinal);
        while (!_stopped && _parser.MoveNext() && _parser.Current is not MappingEnd)
        {
            DocumentNode key = ReadNode(depth + 1);
            if (_stopped) break;
            _parser.MoveNext();
            DocumentNode value = ReadNode(depth + 1);
            if (key.Kind == NodeKind.Broken) continue;
            if (key.Kind is NodeKind.Mapping or NodeKind.Sequence) _errors.Add(key, "a key must be text");
            else if (!seen.Add(key.Text)) _errors.Add(key, $"'{key.Text}' is given twice");
            else mapping.Entries.Add(new NodeEntry(key, value));
        }

        return mapping;
    }

    private DocumentNode ReadScalar(Scalar scalar)
    {
        string text = scalar.Value;
        foreach (Rune rune in text.EnumerateRunes())
        {
            // Invisible characters: two names could look alike, and a log could be made to show a third.
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            if (rune.Value == '\n' && MayBreakLines(scalar)) continue;
            bool hidden = category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator || rune == Rune.ReplacementChar;
            if (!hidden) continue;
            return Refuse(scalar, "line breaks, control characters and invisible characters are not allowed");
        }

        bool isPlain = scalar.Style == ScalarStyle.Plain;
        if (isPlain && RawText.NumberFault(text) is { } twoWays) return Refuse(scalar, twoWays);
        NodeKind kind = isPlain ? KindOf(text) : NodeKind.Text;
        return new DocumentNode(kind, (int)scalar.Start.Line, (int)scalar.Start.Column, text)
        {
            File = _file,
            Origin = kind == NodeKind.Text ? new TextOrigin(_source, scalar.Style) : null,
        };
    }

    /// <summary>
    /// A block is written over lines, and its text has them; so has the text that canonical JSON keeps of it, with
    /// escapes. Few keys take such a text: the others say so.
    /// </summary>
    private static bool MayBreakLines(Scalar scalar) =>
        scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded or ScalarStyle.DoubleQuoted;

    /// <summary>The YAML 1.2 core schema, so that <c>no</c> is a word and <c>0x10</c> is not.</summary>
    private static NodeKind KindOf(string text)
    {
        if (text is "" or "~" or "null" or "Null" or "NULL") return NodeKind.Other;
        if (text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE") return NodeKind.Other;
        if (text.Length <= 9 && !text.AsSpan().ContainsAnyExceptInRange('0', '9')) return NodeKind.Number;
        bool numeric = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            || text.StartsWith("0x", StringComparison.Ordinal) || text.StartsWith("0o", StringComparison.Ordinal)
            || text.TrimStart('+', '-').ToUpperInvariant() is ".INF" or ".NAN";
        return numeric ? NodeKind.Other : NodeKind.Text;
    }

    private DocumentNode Refuse(ParsingEvent at, string message)
    {
        AddAt(at.Start, message, _errors, _file);
        return NodeAt(at, NodeKind.Broken);
    }

    private static void AddAt(Mark at, string message, PolicyErrors errors, string file) =>
        errors.Add(file, (int)Math.Max(1, at.Line), (int)Math.Max(1, at.Column), message);

    private DocumentNode NodeAt(ParsingEvent at, NodeKind kind) =>
        new(kind, (int)at.Start.Line, (int)at.Start.Column) { File = _file };
}
