using System.Text.Json;

namespace Countersign.ControlPlane.Tests;

/// <summary>Reads server-sent events as the specification says, one at a time.</summary>
internal sealed class EventReader(HttpResponseMessage message) : IDisposable
{
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(20);

    private readonly StreamReader _lines = new(message.Content.ReadAsStream());

    public HttpResponseMessage Message => message;

    /// <summary>Every line so far.</summary>
    public List<string> Seen { get; } = [];

    /// <summary>The next event's name and data, or a comment's text under an empty name; null at the end.</summary>
    public async Task<(string Name, string Data)?> NextAsync()
    {
        string name = "message";
        List<string> data = [];
        while (await LineAsync() is { } line)
        {
            if (line.Length == 0 && data.Count > 0) return (name, string.Join('\n', data));
            if (line.StartsWith(':')) return ("", line[1..].Trim());
            if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            if (line.StartsWith("data: ", StringComparison.Ordinal)) data.Add(line[6..]);
        }

        return null;
    }

    /// <summary>The next event, of this name, as JSON.</summary>
    public async Task<JsonElement> NextAsync(string name)
    {
        (string Name, string Data)? next = await NextAsync();
        Assert.Equal(name, next?.Name);
        return JsonDocument.Parse(next!.Value.Data).RootElement;
    }

    public void Dispose()
    {
        _lines.Dispose();
        message.Dispose();
    }

    private async Task<string?> LineAsync()
    {
        try
        {
            string? line = await _lines.ReadLineAsync(TestContext.Current.CancellationToken)
                .AsTask().WaitAsync(PatienceMax, TestContext.Current.CancellationToken);
            if (line is not null) Seen.Add(line);
            return line;
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException)
        {
            return null;
        }
    }
}
