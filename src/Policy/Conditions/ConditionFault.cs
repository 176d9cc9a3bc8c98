namespace Countersign.Policy.Conditions;

/// <summary>Why a condition had no answer for a call. Whatever it is, the call is denied.</summary>
internal enum ConditionFault : byte
{
    /// <summary>A bug: an error that says nothing.</summary>
    Unstated = 0,
    NoOverload,
    NoSuchKey,
    NoSuchField,
    OutOfList,
    DividedByZero,
    Overflow,
    NotConverted,
    InexactNumber,
    RepeatedKey,
    BadKey,
    NotUtf8,
    TooCostly,
    NoArguments,
    ArgumentsNotJson,
    ArgumentsBroken,
    ArgumentsAmbiguous,
    TooManyArguments,
    RepeatedParameter,
    BadQuery,
    RepeatedHeader,
    TooManyFields,
    BadPattern,
    BadTimeZone,
    Unbound,
}

/// <summary>What a fault says, for the audit and the tools.</summary>
internal static class ConditionFaults
{
    public static string Describe(ConditionFault fault) => fault switch
    {
        ConditionFault.NoOverload => "no such overload: the values' types do not fit",
        ConditionFault.NoSuchKey => "no such key",
        ConditionFault.NoSuchField => "no such field",
        ConditionFault.OutOfList => "index out of the list's bounds",
        ConditionFault.DividedByZero => "divide by zero",
        ConditionFault.Overflow => "the result is out of range",
        ConditionFault.NotConverted => "the value cannot be converted",
        ConditionFault.InexactNumber => "the number has more digits than can be compared exactly",
        ConditionFault.RepeatedKey => "a map has a key twice",
        ConditionFault.BadKey => "a map's key must be a bool, int, uint or string",
        ConditionFault.NotUtf8 => "text that is not UTF-8",
        ConditionFault.TooCostly => "the condition takes too many steps or too much memory",
        ConditionFault.NoArguments => "the arguments were not read",
        ConditionFault.ArgumentsNotJson => "the body does not say that it is JSON, or is encoded",
        ConditionFault.ArgumentsBroken => "the arguments are not one JSON value, or nested too deep",
        ConditionFault.ArgumentsAmbiguous => "the arguments can be read in more than one way",
        ConditionFault.TooManyArguments => "the arguments have too many values",
        ConditionFault.RepeatedParameter => "the query has this parameter more than once",
        ConditionFault.BadQuery => "the query can be read in more than one way",
        ConditionFault.RepeatedHeader => "there is more than one field of this name",
        ConditionFault.TooManyFields => "there are too many fields or parameters to go through",
        ConditionFault.BadPattern => "the pattern is not supported",
        ConditionFault.BadTimeZone => "there is no such time zone",
        ConditionFault.Unbound => "the variable has no value",
        _ => "an error",
    };
}
