namespace Countersign.Policy;

/// <summary>Collects what is wrong with a document while it is read.</summary>
internal sealed class PolicyErrors
{
    private readonly List<PolicyError> _errors = [];

    public bool Any => _errors.Count > 0;

    public void Add(DocumentNode at, string message) => Add(at.Line, at.Column, message);

    /// <summary>An error at a character of a text, where the document writes it.</summary>
    public void AddWithin(DocumentNode text, int offset, string message)
    {
        (int line, int column) = text.Origin?.Find(text, offset) ?? (text.Line, text.Column);
        Add(line, column, message);
    }

    // A text of several lines may be named in a message, which is one line.
    public void Add(int line, int column, string message) =>
        _errors.Add(new PolicyError(line, column, message.Replace('\n', ' ')));

    /// <summary>
    /// <c>; did you mean 'x'?</c> for the known name nearest to <paramref name="written"/>, or empty.
    /// </summary>
    public string Suggest(string written, IEnumerable<string> known)
    {
        if (_errors.Count >= PolicyLimits.SuggestionsMax) return "";
        string? nearest = Suggestion.Nearest(written, known);
        return nearest is null ? "" : $"; did you mean '{nearest}'?";
    }

    /// <summary>All of them, in document order.</summary>
    public IReadOnlyList<PolicyError> InOrder() =>
        [.. _errors.OrderBy(error => error.Line).ThenBy(error => error.Column)];
}
