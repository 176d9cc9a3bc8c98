using System.Buffers;
using System.Text;
using Countersign.DataPlane.Http;
using Countersign.DataPlane.Tests.Calls;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Http;

/// <summary>Heads of all sizes in the one place that a connection has for them.</summary>
public sealed class MessageHeadTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_head_may_be_longer_than_the_one_before(bool isPipelined)
    {
        // Proves that requests and answers of growing and shrinking heads, with more and fewer fields, are served on
        // one connection, with and without a wait between them.
        await using MemoryGateway gateway = new(Policies.Standard);
        int[] sizes = [0, 3_000, 6_000, 20_000, 10, 30_000, 5_000];
        gateway.Upstream.Reply = request => ScriptedUpstream.Json("{}", Fields(400 * request.All("More").Count));
        string[] requests = [.. sizes.Select(size => Requests.Get(
            gateway, "/raw/1", Fields(size)))];
        MemoryClient client = gateway.Connect();
        if (isPipelined) await client.SendAsync(string.Concat(requests));
        foreach ((string request, int size) in requests.Zip(sizes))
        {
            if (!isPipelined) await client.SendAsync(request);
            WireMessage answer = (await client.ReadAsync())!;
            Assert.Equal(200, answer.Status);
            Assert.Equal(size / 400, answer.All("More").Count);
        }

        Assert.Equal(sizes.Select(size => size / 400), gateway.Upstream.Requests.Select(one => one.All("More").Count));
        Assert.Equal(1, gateway.Upstream.Dials);
    }

    [Fact]
    public void A_value_that_is_cut_out_leaves_the_rest_as_it_was()
    {
        // Proves on a head with the field first, between others, last, twice and empty that all other fields read as
        // before, that its own are there without a value, and that no byte of the values is left, fitted or not.
        string[] others = ["Host: h\r\n", "If-Match: \"7\"\r\n", "More: secretly\r\n"];
        foreach (int at in new[] { 0, 1, 3 })
        {
            List<string> lines = [.. others];
            lines.Insert(at, "Authorization: Bearer secret-7\r\n");
            lines.Add("Authorization:\r\nAuthorization: secret-8\r\n");
            RequestHead head = new();
            head.Load(new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(
                "GET /a?b=c HTTP/1.1\r\n" + string.Concat(lines) + "\r\n")));
            Assert.Equal(HttpFault.None, RequestParser.Parse(head, MessageRun.Bounds));
            head.CutValues(FieldId.Authorization);
            head.Shrink();
            Assert.Equal("/a?b=c", Encoding.ASCII.GetString(head.Target));
            Assert.Equal(6, head.Fields.Length);
            Assert.Equal(3, head.Count(FieldId.Authorization));
            string read = "";
            foreach (ref readonly FieldSlice field in head.Fields)
            {
                string name = Encoding.ASCII.GetString(head.Name(field));
                string value = Encoding.ASCII.GetString(head.Value(field));
                if (field.Id == FieldId.Authorization) Assert.Equal(("Authorization", ""), (name, value));
                else read += $"{name}: {value}\r\n";
            }

            Assert.Equal(string.Concat(others), read);
            Assert.DoesNotContain("secret-", Encoding.ASCII.GetString(head.Bytes), StringComparison.Ordinal);
            Assert.EndsWith("\r\n\r\n", Encoding.ASCII.GetString(head.Bytes), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6_000)]
    [InlineData(20_000)]
    public async Task A_held_call_leaves_as_it_came(int size)
    {
        // Proves that what a held call keeps of its head and body is all of it, and that the connection takes shorter
        // and longer heads after it.
        await using MemoryGateway gateway = new(Policies.Standard);
        MemoryClient client = gateway.Connect();
        TaskCompletionSource<string> parked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Store.OnWatch = id => parked.TrySetResult(id);
        string body = "{\"note\":\"" + new string('n', size) + "\"}";
        await client.SendAsync(Requests.Post(
            gateway, "/billing/7/refunds?a=b", body, "Prefer: wait=30\r\nIf-Match: \"7\"\r\n" + Fields(size)));
        await gateway.DecideAsync(await parked.Task, "fay", "finance-leads");
        Assert.Equal(200, (await client.ReadAsync())!.Status);
        WireMessage made = Assert.Single(gateway.Upstream.Requests);
        Assert.StartsWith("POST /billing/7/refunds?a=b ", made.Line, StringComparison.Ordinal);
        Assert.Equal("\"7\"", made.Field("If-Match"));
        Assert.Equal(Enumerable.Repeat(new string('x', 392), size / 400), made.All("More"));
        Assert.Equal(body, System.Text.Encoding.ASCII.GetString(made.Body));
        foreach (int next in new[] { 0, 6_000 })
        {
            WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/people/1", Fields(next)));
            Assert.Equal(200, answer.Status);
            Assert.Equal(next / 400, gateway.Upstream.Requests[^1].All("More").Count);
        }
    }

    // About so many bytes of fields, 400 each.
    private static string Fields(int bytes) =>
        string.Concat(Enumerable.Repeat($"More: {new string('x', 392)}\r\n", bytes / 400));
}
