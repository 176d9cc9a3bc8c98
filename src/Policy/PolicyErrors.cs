namespace Countersign.Policy;

/// <summary>Collects what is wrong with a document while it is read.</summary>
internal sealed class PolicyErrors
{
    private readonly List<PolicyError> _errors = [];
    private readonly List<string> _files = [];

    public bool Any => _errors.Count > 0;

    /// <summary>The files of a document, in the order in which their errors are shown.</summary>
    public void AddFile(string name) => _files.Add(name);

    public void Add(DocumentNode at, string message) => Add(at.File, at.Line, at.Column, message);

    /// <summary>An error at a character of a text, where the document writes it.</summary>
    public void AddWithin(DocumentNode text, int offset, string message)
    {
        (int line, int column) = text.Origin?.Find(text, offset) ?? (text.Line, text.Column);
        Add(text.File, line, column, message);
    }

    public void Add(int line, int column, string message) => Add("", line, column, message);

    // A text of several lines may be named in a message, which is one line.
    public void Add(string file, int line, int column, string message) =>
        _errors.Add(new PolicyError(line, column, message.Replace('\n', ' ')) { File = file });

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
    [
        .. _errors.OrderBy(error => _files.IndexOf(error.File)).ThenBy(error => error.Line)
            .ThenBy(error => error.Column),
    ];
}
