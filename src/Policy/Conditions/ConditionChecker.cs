namespace Countersign.Policy.Conditions;

/// <summary>
/// Gives every part of an expression its type and turns it into steps. What is of the wrong type is refused; what
/// depends on the call alone (<c>dyn</c>) is left to the evaluation. What is known beforehand is worked out here.
/// </summary>
/// <param name="scope">What may be named.</param>
/// <param name="isLax">True to leave every type to the evaluation, as some of the specification's cases ask.</param>
internal sealed class ConditionChecker(ConditionScope scope, bool isLax = false)
{
    private readonly List<(string Name, ConditionType Type)> _locals = [];
    private readonly List<ConditionError> _errors = [];

    /// <summary>All that is wrong, in the order in which it is written; what has errors has no steps.</summary>
    public IReadOnlyList<ConditionError> Errors => [.. _errors.Distinct().OrderBy(error => error.Offset)];

    /// <summary>Errors are added to <see cref="Errors"/>; what has one is taken for <c>dyn</c>, and the rest is
    /// checked.</summary>
    public Typed Check(Syntax syntax)
    {
        try
        {
            return CheckOne(syntax);
        }
        catch (ConditionSyntaxException fault)
        {
            _errors.Add(fault.Error);
            return new Typed(new UnboundNode(syntax.Offset), ConditionType.Dyn);
        }
    }

    private Typed CheckOne(Syntax syntax)
    {
        Typed made = syntax switch
        {
            LiteralSyntax literal => new Typed(
                new ConstantNode(literal.Offset, literal.Value), TypeOf(literal.Value)),
            NameSyntax name => CheckName(name),
            SelectSyntax select => CheckSelect(select),
            CallSyntax call => CheckCall(call),
            ListSyntax list => CheckList(list),
            MapSyntax map => CheckMap(map),
            _ => CheckLoop((LoopSyntax)syntax),
        };

        // A number of JSON may come as an int or as a double; where a schema says number it is a double.
        if (made.Type.Kind == TypeKind.Number)
        {
            made = new Typed(new NumberNode(syntax.Offset, made.Node), ConditionType.Double);
        }

        return isLax ? new Typed(Folded(made.Node), ConditionType.Dyn) : new Typed(Folded(made.Node), made.Type);
    }

    /// <summary>As <see cref="Check"/>, for what must be true or false.</summary>
    public ConditionNode CheckCondition(Syntax syntax)
    {
        Typed made = Check(syntax);
        if (made.Type.Kind == TypeKind.Bool || made.Type.IsOpen) return made.Node;
        Refuse(syntax.Offset, $"a condition is true or false; this is of type {made.Type}");
        return made.Node;
    }

    /// <summary>As <see cref="Check"/>, for what must be text, a number or a bool.</summary>
    public ConditionNode CheckScalar(Syntax syntax)
    {
        Typed made = Check(syntax);
        bool isScalar = made.Type.IsOpen || made.Type.IsNumeric || made.Type.Kind is TypeKind.String or TypeKind.Bool;
        if (isScalar) return made.Node;
        Refuse(syntax.Offset, $"text, a number or a bool is wanted, not {made.Type}");
        return made.Node;
    }

    private Typed CheckName(NameSyntax name)
    {
        for (int slot = _locals.Count - 1; slot >= 0 && !name.IsRoot; slot--)
        {
            if (_locals[slot].Name == name.Name) return new Typed(new LocalNode(name.Offset, slot), _locals[slot].Type);
        }

        if (scope.Find(name.Name, name.Offset) is { } found) return found;
        ConditionValue type = ConditionTypes.Find(name.Name);
        if (type.Kind == ValueKind.Type) return new Typed(new ConstantNode(name.Offset, type), ConditionType.Type);
        if (isLax) return new Typed(new UnboundNode(name.Offset), ConditionType.Dyn);
        IEnumerable<string> known = scope.Names.Concat(_locals.Select(local => local.Name));
        string hint = Suggestion.Nearest(name.Name, known) is { } near ? $"; did you mean '{near}'?" : "";
        throw new ConditionSyntaxException(name.Offset, $"there is no variable '{name.Name}'{hint}");
    }

    private Typed CheckSelect(SelectSyntax select)
    {
        if (!select.IsTest && TypeNamed(select) is { Kind: ValueKind.Type } type)
        {
            return new Typed(new ConstantNode(select.Offset, type), ConditionType.Type);
        }

        Typed operand = Check(select.Operand);
        ConditionType part = TypeOfPart(operand, select.Field, select.Offset);
        ConditionNode node = new SelectNode(
            select.Offset, operand.Node, ConditionValue.OfText(select.Field), select.IsTest);
        if (select.IsTest) return new Typed(node, ConditionType.Bool);
        return scope.FindPart(operand.Node, select.Field, select.Offset) ?? new Typed(node, part);
    }

    /// <summary>What <c>operand.field</c> is of, where it can have such a field.</summary>
    private ConditionType TypeOfPart(in Typed operand, string field, int offset)
    {
        ConditionType type = operand.Type;
        if (type.IsOpen) return ConditionType.Dyn;
        if (type.Kind == TypeKind.Map && type.Key!.Takes(ConditionType.String)) return type.Item!;
        if (type.Kind != TypeKind.Object)
        {
            return Refuse(offset, $"a value of type {type} has no fields, and so no '{field}'");
        }

        if (type.Fields.TryGetValue(field, out ConditionType? known)) return known;
        if (!type.IsClosed) return type.Item!;

        // Says it with the words of what has the fields, where that has words of its own.
        scope.FindPart(operand.Node, field, offset);
        string hint = Suggestion.Nearest(field, type.Fields.Keys) is { } near ? $"; did you mean '{near}'?" : "";
        return Refuse(offset, $"there is no field '{field}' here{hint}");
    }

    private static ConditionValue TypeNamed(SelectSyntax select)
    {
        string name = select.Field;
        Syntax at = select.Operand;
        while (at is SelectSyntax inner)
        {
            name = inner.Field + "." + name;
            at = inner.Operand;
        }

        return at is NameSyntax root ? ConditionTypes.Find(root.Name + "." + name) : default;
    }

    private Typed CheckCall(CallSyntax call)
    {
        Typed[] arguments = new Typed[call.Arguments.Length + (call.Target is null ? 0 : 1)];
        int next = 0;
        if (call.Target is not null) arguments[next++] = Check(call.Target);
        foreach (Syntax argument in call.Arguments) arguments[next++] = Check(argument);
        ConditionNode[] nodes = [.. arguments.Select(argument => argument.Node)];
        ConditionType[] types = [.. arguments.Select(argument => argument.Type)];
        switch (call.Function)
        {
            case "_&&_" or "_||_":
                RequireBool(call, types[0]);
                RequireBool(call, types[1]);
                return new Typed(
                    new LogicNode(call.Offset, call.Function == "_||_", nodes[0], nodes[1]), ConditionType.Bool);
            case "_?_:_":
                RequireBool(call, types[0]);
                if (!types[1].Takes(types[2]) && !types[2].Takes(types[1])) NoOverload(call, types);
                return new Typed(
                    new ChoiceNode(call.Offset, nodes[0], nodes[1], nodes[2]), ConditionType.Join(types[1], types[2]));
            case "_==_" or "_!=_":
                if (!TypeRelations.AreComparable(types[0], types[1])) NoOverload(call, types);
                Operation equality = call.Function == "_==_" ? Operation.Equal : Operation.NotEqual;
                return new Typed(new BinaryNode(call.Offset, equality, nodes[0], nodes[1]), ConditionType.Bool);
            case "_<_" or "_<=_" or "_>_" or "_>=_":
                if (!TypeRelations.AreOrdered(types[0], types[1])) NoOverload(call, types);
                return new Typed(
                    new BinaryNode(call.Offset, OrderingOf(call.Function), nodes[0], nodes[1]), ConditionType.Bool);
            case "_in_":
                if (!TypeRelations.MayContain(types[1], types[0])) NoOverload(call, types);
                return new Typed(new BinaryNode(call.Offset, Operation.In, nodes[0], nodes[1]), ConditionType.Bool);
            case "_[_]":
                return CheckIndex(call, arguments);
            case "_+_" when types[0].Kind == TypeKind.List || types[1].Kind == TypeKind.List:
                if (!types[0].Takes(types[1])) NoOverload(call, types);
                return new Typed(
                    new BinaryNode(call.Offset, Operation.Add, nodes[0], nodes[1]),
                    ConditionType.Join(types[0], types[1]));
            default:
                return CheckFunction(call, nodes, types);
        }
    }

    private Typed CheckIndex(CallSyntax call, Typed[] arguments)
    {
        (ConditionType container, ConditionType key) = (arguments[0].Type, arguments[1].Type);
        ConditionNode node = new BinaryNode(
            call.Offset, Operation.Index, arguments[0].Node, arguments[1].Node);
        bool isText = arguments[1].Node is ConstantNode { Value.Kind: ValueKind.String };
        if (isText && container.Kind is TypeKind.Object or TypeKind.Map)
        {
            string name = System.Text.Encoding.UTF8.GetString(((ConstantNode)arguments[1].Node).Value.Text);
            ConditionType part = TypeOfPart(arguments[0], name, arguments[1].Node.Offset);
            return scope.FindPart(arguments[0].Node, name, arguments[1].Node.Offset) ?? new Typed(node, part);
        }

        bool fits = container.Kind switch
        {
            TypeKind.List => key.Kind == TypeKind.Int || key.IsOpen,
            TypeKind.Map or TypeKind.Object => TypeRelations.AreComparable(container.Key!, key),
            _ => container.IsOpen,
        };
        if (!fits) NoOverload(call, [container, key]);
        return new Typed(node, container.Kind switch
        {
            TypeKind.List or TypeKind.Map => container.Item!,
            _ => ConditionType.Dyn,
        });
    }

    private Typed CheckFunction(CallSyntax call, ConditionNode[] nodes, ConditionType[] types)
    {
        bool isMember = call.Target is not null;
        IReadOnlyList<Signature> overloads = Signatures.Find(call.Function);
        if (overloads.Count == 0 || (isLax && !overloads.Any(one => IsCalledSo(one, isMember, types))))
        {
            if (isLax) return new Typed(new UnboundNode(call.Offset), ConditionType.Dyn);
            string hint = Suggestion.Nearest(call.Function, Signatures.Names) is { } near
                ? $"; did you mean '{near}'?" : "";
            throw new ConditionSyntaxException(call.Offset, $"there is no function '{call.Function}'{hint}");
        }

        List<Signature> fitting = [.. overloads.Where(one => IsCalledSo(one, isMember, types)
            && one.Parameters.Zip(types).All(pair => pair.First.Takes(pair.Second)))];
        if (fitting.Count == 0) NoOverload(call, types);
        Operation operation = fitting[0].Operation;
        ConditionNode node = nodes.Length switch
        {
            1 => new UnaryNode(call.Offset, operation, nodes[0]),
            _ when operation == Operation.Matches => Matching(call, nodes),
            _ when operation >= Operation.GetDate => Zoned(call, operation, nodes),
            _ => new BinaryNode(call.Offset, operation, nodes[0], nodes[1]),
        };
        ConditionType result = fitting[0].Result;
        if (fitting.Exists(one => one.Result.Kind != result.Kind)) result = ConditionType.Dyn;
        return new Typed(node, result);
    }

    private static bool IsCalledSo(Signature one, bool isMember, ConditionType[] types) =>
        one.IsMember == isMember && one.Parameters.Length == types.Length;

    private static MatchNode Matching(CallSyntax call, ConditionNode[] nodes)
    {
        if (nodes[1] is not ConstantNode { Value.Kind: ValueKind.String } pattern)
        {
            throw new ConditionSyntaxException(
                nodes[1].Offset, "a pattern must be written out, so that it can be checked before it is used");
        }

        string written = System.Text.Encoding.UTF8.GetString(pattern.Value.Text);
        return new MatchNode(call.Offset, nodes[0], TextPattern.Compile(written, pattern.Offset));
    }

    private static ZonedNode Zoned(CallSyntax call, Operation part, ConditionNode[] nodes)
    {
        if (nodes[1] is not ConstantNode { Value.Kind: ValueKind.String } zone)
        {
            throw new ConditionSyntaxException(nodes[1].Offset, "a time zone must be written out");
        }

        string name = System.Text.Encoding.UTF8.GetString(zone.Value.Text);
        TimeZoneInfo found = TimeParts.FindZone(name)
            ?? throw new ConditionSyntaxException(zone.Offset, $"there is no time zone '{name}'");
        return new ZonedNode(call.Offset, part, nodes[0], found);
    }

    private Typed CheckList(ListSyntax list)
    {
        Typed[] items = [.. list.Items.Select(Check)];
        ConditionType item = ConditionType.Free;
        foreach (Typed one in items) item = ConditionType.Join(item, one.Type);
        ConditionNode node = items.Length == 0
            ? new ConstantNode(list.Offset, ConditionValue.OfList(new MadeList([])))
            : new ListNode(list.Offset, [.. items.Select(one => one.Node)]);
        return new Typed(node, ConditionType.ListOf(item, items.Length));
    }

    private Typed CheckMap(MapSyntax map)
    {
        Typed[] keys = [.. map.Keys.Select(Check)];
        Typed[] values = [.. map.Values.Select(Check)];
        ConditionType key = ConditionType.Free;
        ConditionType value = ConditionType.Free;
        for (int index = 0; index < keys.Length; index++)
        {
            bool isKey = keys[index].Type.IsOpen
                || keys[index].Type.Kind is TypeKind.Bool or TypeKind.Int or TypeKind.Uint or TypeKind.String;
            if (!isKey) Refuse(map.Keys[index].Offset, $"a key cannot be of type {keys[index].Type}");
            key = ConditionType.Join(key, keys[index].Type);
            value = ConditionType.Join(value, values[index].Type);
        }

        ConditionNode node = keys.Length == 0
            ? new ConstantNode(map.Offset, ConditionValue.OfMap(new MadeMap()))
            : new MapNode(map.Offset, [.. keys.Select(one => one.Node)], [.. values.Select(one => one.Node)]);
        return new Typed(node, ConditionType.MapOf(key, value));
    }

    private Typed CheckLoop(LoopSyntax loop)
    {
        Typed range = Check(loop.Range);
        ConditionType item = range.Type.Kind switch
        {
            TypeKind.List => range.Type.Item!,
            TypeKind.Map or TypeKind.Object => range.Type.Key!,
            _ when range.Type.IsOpen => ConditionType.Dyn,
            _ => Refuse(loop.Offset, $"a value of type {range.Type} has no items to go through"),
        };
        if (_locals.Count == ConditionLimits.LoopsNestedMax)
        {
            throw new ConditionSyntaxException(
                loop.Offset, $"more than {ConditionLimits.LoopsNestedMax} macros within each other");
        }

        int slot = _locals.Count;
        _locals.Add((loop.Variable, item.Kind == TypeKind.Free ? ConditionType.Dyn : item));
        ConditionNode? predicate = null;
        if (loop.Predicate is not null)
        {
            Typed made = Check(loop.Predicate);
            if (made.Type.Kind != TypeKind.Bool && !made.Type.IsOpen)
            {
                Refuse(loop.Predicate.Offset, $"what is asked of each item is true or false, not {made.Type}");
            }

            predicate = made.Node;
        }

        Typed? transform = loop.Transform is null ? null : Check(loop.Transform);
        _locals.RemoveAt(slot);
        LoopNode node = new(
            loop.Offset, loop.Kind, range.Node, slot, predicate, transform?.Node, range.Type.ItemsMax);
        return new Typed(node, loop.Kind switch
        {
            LoopKind.Filter => ConditionType.ListOf(item, range.Type.ItemsMax),
            LoopKind.Map => ConditionType.ListOf(transform!.Value.Type, range.Type.ItemsMax),
            _ => ConditionType.Bool,
        });
    }

    private void RequireBool(CallSyntax call, ConditionType type)
    {
        if (type.Kind == TypeKind.Bool || type.IsOpen) return;
        Refuse(call.Offset, $"'{Written(call.Function)}' takes what is true or false, not {type}");
    }

    private void NoOverload(CallSyntax call, ConditionType[] types)
    {
        string given = string.Join(", ", types.Select(type => type.ToString()));
        string fault = $"'{Written(call.Function)}' does not take ({given})";
        if (!isLax) throw new ConditionSyntaxException(call.Offset, fault);
    }

    private ConditionType Refuse(int offset, string fault)
    {
        if (!isLax) _errors.Add(new ConditionError(offset, fault));
        return ConditionType.Dyn;
    }

    private static string Written(string function) => function is "_?_:_" ? "?:" : function.Replace("_", "");

    private static Operation OrderingOf(string function) => function switch
    {
        "_<_" => Operation.Less,
        "_<=_" => Operation.LessOrEqual,
        "_>_" => Operation.Greater,
        _ => Operation.GreaterOrEqual,
    };

    private static ConditionType TypeOf(in ConditionValue literal) => literal.Kind switch
    {
        ValueKind.Null => ConditionType.Null,
        ValueKind.Bool => ConditionType.Bool,
        ValueKind.Int => ConditionType.Int,
        ValueKind.Uint => ConditionType.Uint,
        ValueKind.Double => ConditionType.Double,
        ValueKind.String => ConditionType.String,
        _ => ConditionType.Bytes,
    };

    /// <summary>What only depends on what is written is worked out once. An error is left for the evaluation, which may
    /// not come to it.</summary>
    private static ConditionNode Folded(ConditionNode node)
    {
        if (node.Children.Count == 0 || !node.Children.All(child => child is ConstantNode)) return node;
        ConditionValue value = node.Evaluate(new Evaluation());
        return value.IsError ? node : new ConstantNode(node.Offset, value);
    }
}
