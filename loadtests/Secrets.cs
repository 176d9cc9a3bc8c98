using System.Text;
using System.Text.Json;

namespace Countersign.LoadTests;

/// <summary>
/// The values that no answer may hold, read from the functions themselves: every SSN, card number and e-mail address of
/// the demo's people.
/// </summary>
internal sealed class Secrets
{
    private readonly byte[][] _values;

    private Secrets(byte[][] values) => _values = values;

    /// <summary>How many there are.</summary>
    internal int Count => _values.Length;

    /// <summary>Asks the functions, past the gateway, before the load begins.</summary>
    /// <exception cref="InvalidDataException">They hold none, so that nothing could be proven.</exception>
    internal static async Task<Secrets> ReadAsync(HttpMessageInvoker http, Uri upstream)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(upstream, "/people"));
        using HttpResponseMessage response = await http.SendAsync(request, CancellationToken.None);
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        List<string> values = [];
        foreach (JsonElement person in document.RootElement.GetProperty("people").EnumerateArray())
        {
            values.Add(person.GetProperty("ssn").GetString()!);
            values.Add(person.GetProperty("email").GetString()!);
            foreach (JsonElement card in person.GetProperty("cards").EnumerateArray())
            {
                values.Add(card.GetProperty("number").GetString()!);
            }
        }

        if (values.Count == 0 || values.Exists(string.IsNullOrEmpty))
            throw new InvalidDataException("the demo's people have nothing to mask");
        return new Secrets([.. values.Select(Encoding.UTF8.GetBytes)]);
    }

    /// <summary>The first of them in a body; null if there is none.</summary>
    internal string? FindIn(ReadOnlySpan<byte> body)
    {
        foreach (byte[] value in _values)
        {
            if (body.IndexOf(value) >= 0) return Encoding.UTF8.GetString(value);
        }

        return null;
    }
}
