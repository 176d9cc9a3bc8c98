namespace Countersign.Cli.Policies.OpenApi;

/// <summary>One operation as a function of a policy.</summary>
internal sealed record ImportedFunction(string Id, string Upstream, string Method, string Path, string Risk)
{
    /// <summary>Tags of the operation, as names.</summary>
    internal IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Header parameters of an operation that changes something.</summary>
    internal IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>What it does, in the words of the document.</summary>
    internal string Summary { get; init; } = "";
}

/// <summary>A server as an upstream of a policy.</summary>
internal sealed record ImportedUpstream(string Name, string Endpoint);

/// <summary>What an import gave.</summary>
internal sealed record OpenApiImportResult(
    string Title, IReadOnlyList<ImportedUpstream> Upstreams, IReadOnlyList<ImportedFunction> Functions,
    IReadOnlyList<string> Notes);
