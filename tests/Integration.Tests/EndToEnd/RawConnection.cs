using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace Countersign.Integration.Tests.EndToEnd;

/// <summary>One answer as it came over the wire.</summary>
internal sealed record RawAnswer(string StatusLine, IReadOnlyList<string> Fields, string Body)
{
    /// <summary>The status.</summary>
    public int Status => int.Parse(StatusLine.Split(' ')[1], CultureInfo.InvariantCulture);

    /// <summary>The last part of the problem's type.</summary>
    public string Problem =>
        JsonNode.Parse(Body)!["type"]!.ToString().Replace("urn:countersign:", "", StringComparison.Ordinal);

    /// <summary>A field's value; empty where it is not there.</summary>
    public string Field(string name) => Fields
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 1)..].Trim())
        .FirstOrDefault("");
}

/// <summary>A socket: bytes out as a test writes them, answers in as they come.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    private readonly TcpClient _client = new() { NoDelay = true };
    private readonly CancellationTokenSource _patience = new(CountersignProcess.PatienceMax);
    private NetworkStream _stream = null!;

    /// <summary>Connects.</summary>
    public static async Task<RawConnection> OpenAsync(string address)
    {
        RawConnection opened = new();
        Uri uri = new(address);
        await opened._client.ConnectAsync(uri.Host, uri.Port, opened._patience.Token);
        opened._stream = opened._client.GetStream();
        return opened;
    }

    /// <summary>Sends.</summary>
    public async Task SendAsync(string text) =>
        await _stream.WriteAsync(Encoding.Latin1.GetBytes(text), _patience.Token);

    /// <summary>Reads one answer: a head, and as much body as its length says, or none after a HEAD.</summary>
    public async Task<RawAnswer> ReadAsync(bool isHead = false)
    {
        List<string> lines = [];
        while (await ReadLineAsync() is { Length: > 0 } line) lines.Add(line);
        Assert.NotEmpty(lines);
        RawAnswer answer = new(lines[0], lines[1..], "");
        int length = int.Parse("0" + answer.Field("Content-Length"), CultureInfo.InvariantCulture);
        byte[] body = new byte[isHead ? 0 : length];
        await _stream.ReadExactlyAsync(body, _patience.Token);
        return answer with { Body = Encoding.UTF8.GetString(body) };
    }

    /// <summary>True if the peer ends the connection and has nothing more to say.</summary>
    public async Task<bool> EndsAsync()
    {
        try
        {
            return await _stream.ReadAsync(new byte[1], _patience.Token) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _patience.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string> ReadLineAsync()
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (await _stream.ReadAsync(one, _patience.Token) == 1)
        {
            if (one[0] == '\n') break;
            if (one[0] != '\r') line.Append((char)one[0]);
        }

        return line.ToString();
    }
}
