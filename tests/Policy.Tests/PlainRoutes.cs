using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Countersign.Policy.Tests;

/// <summary>A call, as far as it says where it goes.</summary>
internal sealed record PlainCall(string Host, bool IsTls, string Method, string Path);

/// <summary>
/// Random functions of templates, types, hosts and ports, and a router of its own for them: it asks every function and
/// ranks those that fit.
/// </summary>
internal sealed class PlainRoutes
{
    private static readonly string[] Segments =
        ["a", "b", "7", "{x}", "{x:int}", "{x:uuid}", "{x:date}", "{x:hex}", "{x:slug}"];
    private static readonly string[] Sent =
        ["a", "b", "7", "-7", "+7", "7a", "%61", "%37", "-x", "a.b", "018f3a2e-7c11-7d2f-9a41-5b9e7c3d1f20",
            "018f3a2e7c117d2f9a415b9e7c3d1f20", "2024-02-29", "2023-02-29", "99999999999999999999", "%2d7"];
    private static readonly string[] Hosts =
        ["h.test", "H.test:81", "*.h.test", "*.test", "*.test:443", "x.h.test", "*.x.h.test:81"];
    private static readonly string[] SentHosts =
        ["", "h.test", "H.TEST", "h.test:81", "h.test:80", "x.h.test", "X.h.test:443", "y.x.h.test:81", "test",
            "ah.test", "h.test.", "other"];
    private static readonly string[] Methods = ["GET", "PUT"];

    private readonly List<(string Method, string Path, string[] Hosts)> _functions = [];

    public static PlainRoutes Make(Random random)
    {
        PlainRoutes routes = new();
        HashSet<string> taken = [];
        for (int n = random.Next(1, 12); n > 0; n--)
        {
            int count = random.Next(3);
            string[] segments = [.. Enumerable.Range(0, count).Select(at =>
                Segments[random.Next(Segments.Length)].Replace("{x", "{p" + at, StringComparison.Ordinal))];
            string[] hosts = [.. Hosts.OrderBy(_ => random.Next()).Take(Math.Max(0, random.Next(6) - 3))];
            string method = Methods[random.Next(Methods.Length)];
            string path = "/" + string.Join('/', segments);
            string[] places = [.. (hosts.Length == 0 ? [""] : hosts).Select(host =>
                host.ToLowerInvariant() + ' ' + method + Regex.Replace(path, "p\\d", "p"))];
            if (!places.All(place => !taken.Contains(place))) continue;
            taken.UnionWith(places);
            routes._functions.Add((method, path, hosts));
        }

        return routes;
    }

    public static PlainCall MakeCall(Random random)
    {
        string[] segments = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Sent[random.Next(Sent.Length)])];
        return new PlainCall(
            SentHosts[random.Next(SentHosts.Length)], random.Next(2) == 0, Methods[random.Next(Methods.Length)],
            "/" + string.Join('/', segments));
    }

    public string Write()
    {
        StringBuilder text = new(PolicyTexts.Upstreams);
        for (int n = 0; n < _functions.Count; n++)
        {
            (string method, string path, string[] hosts) = _functions[n];
            string under = hosts.Length == 0 ? "" : $", hosts: [\"{string.Join("\", \"", hosts)}\"]";
            text.Append($"  f{n}: {{ upstream: up, method: {method}, path: \"{path}\", risk: low{under} }}\n");
        }

        return text.Append("rules: []\n").ToString();
    }

    public string? Find(PlainCall call)
    {
        string? best = null;
        string bestRank = "";
        for (int n = 0; n < _functions.Count; n++)
        {
            (string method, string path, string[] hosts) = _functions[n];
            if (method != call.Method || RankOfPath(path, call.Path) is not { } pathRank) continue;
            if (RankOfHosts(hosts, call) is not { } hostRank) continue;
            string rank = hostRank + ' ' + pathRank;
            if (best is not null && string.CompareOrdinal(rank, bestRank) >= 0) continue;
            (best, bestRank) = ($"f{n}", rank);
        }

        return best;
    }

    /// <summary>Smaller wins; null does not fit. One letter a segment: literal, then types, then anything.</summary>
    private static string? RankOfPath(string template, string path)
    {
        string[] wanted = template.Split('/');
        string[] sent = [.. path.Split('/').Select(Uri.UnescapeDataString)];
        if (wanted.Length != sent.Length) return null;
        StringBuilder rank = new();
        for (int at = 1; at < wanted.Length; at++)
        {
            if (!wanted[at].StartsWith('{'))
            {
                if (wanted[at] != sent[at]) return null;
                rank.Append('a');
                continue;
            }

            string type = wanted[at].Contains(':', StringComparison.Ordinal) ? wanted[at][..^1].Split(':')[1] : "";
            if (sent[at].Length == 0 || !Takes(type, sent[at])) return null;
            rank.Append((char)('b' + Array.IndexOf(["int", "uuid", "date", "hex", "slug", ""], type)));
        }

        return rank.ToString();
    }

    private static bool Takes(string type, string text) => type switch
    {
        "int" => Regex.IsMatch(text, "^-?[0-9]+$") && long.TryParse(text, CultureInfo.InvariantCulture, out _),
        "uuid" => Regex.IsMatch(text, "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "hex" => Regex.IsMatch(text, "^[0-9a-fA-F]+$"),
        "slug" => Regex.IsMatch(text, "^[0-9a-zA-Z][0-9a-zA-Z_-]*$"),
        _ => true,
    };

    /// <summary>Smaller wins: exact, then wildcards from the longest, then no host; a port before any port.</summary>
    private static string? RankOfHosts(string[] hosts, PlainCall call)
    {
        if (hosts.Length == 0) return "z";
        string[] parts = call.Host.ToLowerInvariant().Split(':');
        string name = parts[0].TrimEnd('.');
        int port = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : call.IsTls ? 443 : 80;
        List<string> ranks = [];
        foreach (string host in hosts)
        {
            string[] wanted = host.ToLowerInvariant().Split(':');
            if (wanted.Length > 1 && wanted[1] != port.ToString(CultureInfo.InvariantCulture)) continue;
            string last = wanted.Length > 1 ? "a" : "b";
            if (wanted[0] == name && name.Length > 0) ranks.Add("a" + last);
            bool isBelow = wanted[0].StartsWith("*.", StringComparison.Ordinal)
                && name.EndsWith(wanted[0][1..], StringComparison.Ordinal) && name.Length > wanted[0].Length - 1;
            if (isBelow) ranks.Add((char)('y' - wanted[0].Count(one => one == '.')) + last);
        }

        return ranks.Order(StringComparer.Ordinal).FirstOrDefault();
    }
}
