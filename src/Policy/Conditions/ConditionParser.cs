namespace Countersign.Policy.Conditions;

/// <summary>A condition's text to an expression, macros expanded (cel-spec, Syntax and Macros).</summary>
internal sealed class ConditionParser
{
    private static readonly string[] Reserved =
    [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ];

    private static readonly string[] Relations = ["<", "<=", ">=", ">", "==", "!=", "in"];

    private readonly ConditionLexer _lexer;
    private ConditionToken _token;
    private int _depth;

    private ConditionParser(string text)
    {
        _lexer = new ConditionLexer(text);
        _token = _lexer.Next();
    }

    /// <exception cref="ConditionSyntaxException">It is no expression.</exception>
    public static Syntax Parse(string text)
    {
        ConditionParser parser = new(text);
        Syntax expression = parser.ReadExpression();
        if (parser._token.Kind == TokenKind.End) return expression;
        throw new ConditionSyntaxException(parser._token.Offset, $"'{parser._token.Text}' is not expected here");
    }

    private Syntax ReadExpression()
    {
        // Parentheses leave no trace in the tree, whose own depth is bounded too.
        if (++_depth > ConditionLimits.DepthMax)
        {
            throw new ConditionSyntaxException(_token.Offset, $"nested more than {ConditionLimits.DepthMax} deep");
        }

        Syntax condition = ReadOr();
        if (_token.Is("?"))
        {
            int offset = Take().Offset;
            Syntax then = ReadOr();
            Expect(":");
            condition = new CallSyntax(offset, "_?_:_", null, [condition, then, ReadExpression()]);
        }

        _depth--;
        return condition;
    }

    private Syntax ReadOr()
    {
        Syntax first = ReadAnd();
        if (!_token.Is("||")) return first;
        List<Syntax> terms = [first];
        List<int> signs = [];
        while (_token.Is("||"))
        {
            signs.Add(Take().Offset);
            terms.Add(ReadAnd());
        }

        return Balance("_||_", terms, signs, 0, terms.Count);
    }

    private Syntax ReadAnd()
    {
        Syntax first = ReadRelation();
        if (!_token.Is("&&")) return first;
        List<Syntax> terms = [first];
        List<int> signs = [];
        while (_token.Is("&&"))
        {
            signs.Add(Take().Offset);
            terms.Add(ReadRelation());
        }

        return Balance("_&&_", terms, signs, 0, terms.Count);
    }

    // A long row of terms is not deep: the two operators are associative, errors included, since the first term that
    // decides ends the row and of errors the first counts. So it is halved, and its depth is the logarithm of its
    // length; the order in which terms are evaluated, and the count of steps, stay.
    private static Syntax Balance(string sign, List<Syntax> terms, List<int> signs, int from, int to)
    {
        if (to - from == 1) return terms[from];
        int middle = (from + to + 1) / 2;
        return new CallSyntax(
            signs[middle - 1], sign, null,
            [Balance(sign, terms, signs, from, middle), Balance(sign, terms, signs, middle, to)]);
    }

    private Syntax ReadRelation()
    {
        Syntax left = ReadSum();
        while (_token.Kind == TokenKind.Mark && Relations.Contains(_token.Text))
        {
            ConditionToken sign = Take();
            left = new CallSyntax(sign.Offset, $"_{sign.Text}_", null, [left, ReadSum()]);
        }

        return left;
    }

    private Syntax ReadSum()
    {
        Syntax left = ReadProduct();
        while (_token.Is("+") || _token.Is("-"))
        {
            ConditionToken sign = Take();
            left = new CallSyntax(sign.Offset, $"_{sign.Text}_", null, [left, ReadProduct()]);
        }

        return left;
    }

    private Syntax ReadProduct()
    {
        Syntax left = ReadUnary();
        while (_token.Is("*") || _token.Is("/") || _token.Is("%"))
        {
            ConditionToken sign = Take();
            left = new CallSyntax(sign.Offset, $"_{sign.Text}_", null, [left, ReadUnary()]);
        }

        return left;
    }

    private Syntax ReadUnary()
    {
        if (!_token.Is("!") && !_token.Is("-")) return ReadMember();
        string sign = _token.Text;
        Stack<int> offsets = [];
        while (_token.Is(sign)) offsets.Push(Take().Offset);
        Syntax operand;
        if (sign == "-" && _token.Kind == TokenKind.Number)
        {
            int offset = offsets.Pop();
            operand = ReadMember(new LiteralSyntax(offset, ConditionLexer.NumberOf(Take(), isNegative: true)));
        }
        else
        {
            operand = ReadMember();
        }

        while (offsets.TryPop(out int offset)) operand = new CallSyntax(offset, sign + "_", null, [operand]);
        return operand;
    }

    private Syntax ReadMember() => ReadMember(ReadPrimary());

    private Syntax ReadMember(Syntax operand)
    {
        while (true)
        {
            if (_token.Is("["))
            {
                int offset = Take().Offset;
                operand = new CallSyntax(offset, "_[_]", null, [operand, ReadExpression()]);
                Expect("]");
            }
            else if (_token.Is("."))
            {
                Take();
                if (_token.Kind is not (TokenKind.Name or TokenKind.QuotedName)) throw Unexpected("a field's name");
                ConditionToken name = Take();
                operand = _token.Is("(") && name.Kind == TokenKind.Name
                    ? ReadCall(name, operand)
                    : new SelectSyntax(name.Offset, operand, name.Text, isTest: false);
            }
            else if (_token.Is("{"))
            {
                throw new ConditionSyntaxException(_token.Offset, "messages cannot be written: only lists and maps");
            }
            else
            {
                return operand;
            }
        }
    }

    private Syntax ReadPrimary()
    {
        ConditionToken token = _token;
        switch (token.Kind)
        {
            case TokenKind.Literal:
                return new LiteralSyntax(Take().Offset, token.Value);
            case TokenKind.Number:
                return new LiteralSyntax(Take().Offset, ConditionLexer.NumberOf(token, isNegative: false));
            case TokenKind.Name:
                return ReadName(isRoot: false);
            case TokenKind.End:
                throw Unexpected("an expression");
        }

        if (token.Is("(")) return ReadParenthesis();
        if (token.Is("[")) return ReadList();
        if (token.Is("{")) return ReadMap();
        if (!token.Is(".")) throw Unexpected("an expression");
        Take();
        return _token.Kind == TokenKind.Name ? ReadName(isRoot: true) : throw Unexpected("a name");
    }

    private Syntax ReadName(bool isRoot)
    {
        ConditionToken name = Take();
        if (Reserved.Contains(name.Text))
        {
            throw new ConditionSyntaxException(name.Offset, $"'{name.Text}' is a reserved word");
        }

        return _token.Is("(") ? ReadCall(name, null) : new NameSyntax(name.Offset, name.Text, isRoot);
    }

    private Syntax ReadParenthesis()
    {
        Take();
        Syntax inner = ReadExpression();
        Expect(")");
        return inner;
    }

    private ListSyntax ReadList()
    {
        int offset = Take().Offset;
        List<Syntax> items = [];
        while (!_token.Is("]"))
        {
            items.Add(ReadExpression());
            if (!_token.Is(",")) break;
            Take();
        }

        Expect("]");
        return new ListSyntax(offset, [.. items]);
    }

    private MapSyntax ReadMap()
    {
        int offset = Take().Offset;
        List<Syntax> keys = [];
        List<Syntax> values = [];
        while (!_token.Is("}"))
        {
            keys.Add(ReadExpression());
            Expect(":");
            values.Add(ReadExpression());
            if (!_token.Is(",")) break;
            Take();
        }

        Expect("}");
        return new MapSyntax(offset, [.. keys], [.. values]);
    }

    private Syntax ReadCall(in ConditionToken name, Syntax? target)
    {
        Expect("(");
        List<Syntax> arguments = [];
        while (!_token.Is(")"))
        {
            arguments.Add(ReadExpression());
            if (!_token.Is(",")) break;
            Take();
            if (_token.Is(")")) throw Unexpected("an argument");
        }

        Expect(")");
        return Expand(name, target, arguments) ?? new CallSyntax(name.Offset, name.Text, target, [.. arguments]);
    }

    /// <summary>The macro that a call is, or null.</summary>
    private static Syntax? Expand(in ConditionToken name, Syntax? target, List<Syntax> arguments)
    {
        if (target is null)
        {
            if (name.Text != "has" || arguments.Count != 1) return null;
            return arguments[0] is SelectSyntax { IsTest: false } field
                ? new SelectSyntax(field.Offset, field.Operand, field.Field, isTest: true)
                : throw new ConditionSyntaxException(name.Offset, "has() takes a field: has(args.name)");
        }

        LoopKind? kind = (name.Text, arguments.Count) switch
        {
            ("all", 2) => LoopKind.All,
            ("exists", 2) => LoopKind.Exists,
            ("exists_one", 2) => LoopKind.ExistsOne,
            ("filter", 2) => LoopKind.Filter,
            ("map", 2 or 3) => LoopKind.Map,
            _ => null,
        };
        if (kind is not { } loop) return null;
        if (arguments[0] is not NameSyntax { IsRoot: false } variable)
        {
            throw new ConditionSyntaxException(arguments[0].Offset, $"{name.Text}() takes a variable's name first");
        }

        Syntax? predicate = loop == LoopKind.Map && arguments.Count == 2 ? null : arguments[1];
        Syntax? transform = loop == LoopKind.Map ? arguments[^1] : null;
        return new LoopSyntax(name.Offset, loop, target, variable.Name, predicate, transform);
    }

    private ConditionToken Take()
    {
        ConditionToken taken = _token;
        _token = _lexer.Next();
        return taken;
    }

    private void Expect(string mark)
    {
        if (!_token.Is(mark)) throw Unexpected($"'{mark}'");
        Take();
    }

    private ConditionSyntaxException Unexpected(string wanted)
    {
        string found = _token.Kind == TokenKind.End ? "the condition ends" : $"there is '{_token.Text}'";
        return new ConditionSyntaxException(_token.Offset, $"{wanted} should stand here; {found}");
    }
}
