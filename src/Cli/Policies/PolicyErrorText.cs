using Countersign.Policy;

namespace Countersign.Cli.Policies;

/// <summary>Policy errors as compilers print them: <c>file:line:column: message</c>.</summary>
internal static class PolicyErrorText
{
    /// <summary>One line per error.</summary>
    internal static string Of(string file, IReadOnlyList<PolicyError> errors) =>
        string.Join(
            Environment.NewLine, errors.Select(error => $"{file}:{error.Line}:{error.Column}: {error.Message}"));
}
