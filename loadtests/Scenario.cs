using System.Net.Http.Headers;
using System.Text;

namespace Countersign.LoadTests;

/// <summary>One kind of call, and how it must end.</summary>
/// <param name="Name">Its name in the summary.</param>
/// <param name="User">Who calls.</param>
/// <param name="Method">The method.</param>
/// <param name="Target">The path.</param>
/// <param name="Status">The status it must get.</param>
/// <param name="IsForwarded">It must reach the function, once.</param>
/// <param name="IsMasked">Its answer must have masked values.</param>
internal sealed record CallKind(
    string Name, string User, HttpMethod Method, string Target, int Status, bool IsForwarded, bool IsMasked)
{
    /// <summary>The request; a refund asks for an amount of its own now and then, so that approvals are both filed and
    /// joined.</summary>
    internal HttpRequestMessage ToRequest(Uri data, string token, int number)
    {
        HttpRequestMessage request = new(Method, new Uri(data, Target));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (Method != HttpMethod.Post) return request;
        string body = $$"""{"amount":{{1 + (number % 10)}},"currency":"EUR","reason":"load"}""";
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return request;
    }
}

/// <summary>The mix of calls: mostly reads, a few that need an approval, some that are denied.</summary>
internal static class Scenario
{
    private static readonly CallKind[] Reads =
    [
        Read("/people"), Read("/people/1"), Read("/people/2"), Read("/people/3"), Read("/people/4"),
        Read("/billing/42"), Read("/billing/43"), Read("/billing/44"), Read("/billing/45"),
    ];

    private static readonly CallKind Refund =
        new("refund", "alice", HttpMethod.Post, "/billing/42/refunds", 428, IsForwarded: false, IsMasked: false);

    private static readonly CallKind[] Denied =
    [
        new("denied", "dave", HttpMethod.Get, "/billing/42", 403, IsForwarded: false, IsMasked: false),
        new("denied", "dave", HttpMethod.Get, "/people/1", 403, IsForwarded: false, IsMasked: false),
    ];

    /// <summary>What the call of this number is: of each fifty, one refund and five denied calls, evenly
    /// spread.</summary>
    internal static CallKind Of(int number)
    {
        if (number % 50 == 49) return Refund;
        return number % 10 == 4 ? Denied[number / 10 % Denied.Length] : Reads[number % Reads.Length];
    }

    private static CallKind Read(string target) =>
        new("read", "alice", HttpMethod.Get, target, 200, IsForwarded: true, IsMasked: true);
}
