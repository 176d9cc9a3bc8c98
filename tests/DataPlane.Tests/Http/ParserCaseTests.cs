using System.Text;
using System.Text.Json;
using Countersign.DataPlane.Http;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Http;

/// <summary>Sound and malformed messages from tests/cases/http, each at every split.</summary>
public sealed class ParserCaseTests
{
    public static TheoryData<string, string, string> Requests() => Read("requests.json");

    public static TheoryData<string, string, string> Responses() => Read("responses.json");

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_reads_one_way(string name, string bytes, string expect)
    {
        // Proves the outcome of each request, body and next request included, wherever its bytes are cut in two.
        string outcome = await MessageRun.AtEverySplitAsync(Encoding.Latin1.GetBytes(bytes), isRequest: true);
        Assert.True(expect == outcome, $"{name}: {outcome}");
    }

    [Theory]
    [MemberData(nameof(Responses))]
    public async Task A_response_reads_one_way(string name, string bytes, string expect)
    {
        // Proves the same for responses; those of HEAD say so by name.
        bool answersHead = name.StartsWith("HEAD", StringComparison.Ordinal);
        string outcome = await MessageRun.AtEverySplitAsync(Encoding.Latin1.GetBytes(bytes), isRequest: false,
            answersHead);
        Assert.True(expect == outcome, $"{name}: {outcome}");
    }

    [Theory]
    [InlineData("sound", HttpFault.None)]
    [InlineData("ambiguous-path", HttpFault.AmbiguousPath)]
    internal void A_path_reads_one_way(string list, HttpFault expected)
    {
        // Proves the rules of DESIGN 4.3: each path of the list has the list's outcome.
        List<string> wrong = [];
        foreach (JsonElement path in CaseFolder.Read("http", "paths.json").GetProperty(list).EnumerateArray())
        {
            HttpFault fault = PathRules.Check(Encoding.ASCII.GetBytes(path.GetString()!));
            if (fault != expected) wrong.Add($"{path.GetString()}: {fault}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Bounds_are_held()
    {
        // Proves that one field, target byte or head byte beyond the limit is refused by its own name, and the limit
        // is not.
        string fields(int count) => "GET / HTTP/1.1\r\nHost: h\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n",
            count - 1)) + "\r\n";
        string target(int bytes) => "GET /" + new string('a', bytes - 1) + " HTTP/1.1\r\nHost: h\r\n\r\n";
        string head(int bytes) => "GET / HTTP/1.1\r\nHost: h\r\nA: " + new string('a', bytes - 32) + "\r\n\r\n";
        Assert.EndsWith("end", await RunAsync(fields(100)), StringComparison.Ordinal);
        Assert.Equal("head-too-large", await RunAsync(fields(101)));
        Assert.EndsWith("end", await RunAsync(target(8_192)), StringComparison.Ordinal);
        Assert.Equal("target-too-long", await RunAsync(target(8_193)));
        Assert.Equal(32_768, head(32_768).Length);
        Assert.EndsWith("end", await RunAsync(head(32_768)), StringComparison.Ordinal);
        Assert.Equal("head-too-large", await RunAsync(head(32_769)));
    }

    [Theory]
    [InlineData("Prefer: wait=10\r\n", 10)]
    [InlineData("Prefer: respond-async, wait=10\r\n", 10)]
    [InlineData("Prefer: respond-async\r\nprefer: Wait = \"7\"\r\n", 7)]
    [InlineData("Prefer: wait=0\r\n", 0)]
    [InlineData("Prefer: wait=5, wait=9\r\nPrefer: wait=7\r\n", 5)]
    [InlineData("Prefer: wait=soon\r\nPrefer: wait=7\r\n", -1)]
    [InlineData("Prefer: wait=999999999\r\n", 86_400)]
    [InlineData("Prefer: wait=-1\r\n", -1)]
    [InlineData("Prefer: wait=1.5\r\n", -1)]
    [InlineData("Prefer: wait\r\n", -1)]
    [InlineData("Prefer: waiting=5\r\n", -1)]
    [InlineData("", -1)]
    public void Preferences_are_read(string field, int seconds)
    {
        // Proves RFC 7240 as far as the gateway honours it: wait in any field, in any case, whole seconds only.
        RequestHead head = new();
        head.Load(new System.Buffers.ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(
            $"GET / HTTP/1.1\r\nHost: h\r\n{field}\r\n")));
        Assert.Equal(HttpFault.None, RequestParser.Parse(head, MessageRun.Bounds));
        Assert.Equal(seconds, PreferField.WaitSeconds(head));
    }

    [Theory]
    [InlineData("for=192.0.2.1", true)]
    [InlineData("For=\"[2001:db8::1]:80\";proto=https;by=_x , for=unknown;;", true)]
    [InlineData("", true)]
    [InlineData("for=\"a\\\"b\"", true)]
    [InlineData("for=\"open", false)]
    [InlineData("for=\"open\\\"", false)]
    [InlineData("for=\"a\"b", false)]
    [InlineData("for=192.0.2.1:80", false)]
    [InlineData("for", false)]
    [InlineData("for=", false)]
    [InlineData("=a", false)]
    [InlineData("for =a", false)]
    [InlineData("for=a b=c", false)]
    public void Forwarded_is_judged(string value, bool isSound)
    {
        // Proves the grammar of RFC 7239 section 4: nothing that is appended to can swallow what is appended.
        Assert.Equal(isSound, ForwardedField.IsSound(Encoding.Latin1.GetBytes(value)));
    }

    [Theory]
    [InlineData("application/json", true, false)]
    [InlineData("Application/JSON ; charset=UTF-8", true, false)]
    [InlineData("application/problem+json", true, false)]
    [InlineData("application/json; charset=\"utf-8\"", true, false)]
    [InlineData("application/json;charset=iso-8859-1", false, false)]
    [InlineData("application/json; charset=utf-16", false, false)]
    [InlineData("application/x-ndjson", true, true)]
    [InlineData("application/jsonl; a=b", true, true)]
    [InlineData("text/plain", false, false)]
    [InlineData("text/json+xml", false, false)]
    [InlineData("+json", false, false)]
    [InlineData("", false, false)]
    public void Media_types_are_told_apart(string type, bool isJson, bool isStream)
    {
        // Proves what counts as JSON that a mask may read.
        Assert.Equal(isJson, MediaType.IsJson(Encoding.ASCII.GetBytes(type)));
        Assert.Equal(isStream, MediaType.IsRecordStream(Encoding.ASCII.GetBytes(type)));
    }

    private static Task<string> RunAsync(string bytes) => MessageRun.RunAsync(Encoding.Latin1.GetBytes(bytes), 5,
        isRequest: true);

    private static TheoryData<string, string, string> Read(string file)
    {
        TheoryData<string, string, string> cases = [];
        foreach (JsonElement one in CaseFolder.Read("http", file).EnumerateArray())
        {
            cases.Add(one.GetProperty("name").GetString()!, one.GetProperty("bytes").GetString()!,
                one.GetProperty("expect").GetString()!);
        }

        return cases;
    }
}
