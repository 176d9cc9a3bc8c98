using System.Text;
using System.Text.Json;
using Countersign.Kit;

namespace Countersign.DataPlane.Tests.Calls;

/// <summary>Answers under a mask: what can be proven masked goes out, nothing else.</summary>
public sealed class MaskedReplyTests
{
    private const string Secret = "123-45-6789";

    [Theory]
    [InlineData("text", "Content-Type: text/plain\r\n", "ssn 123-45-6789")]
    [InlineData("no type", "", "{\"ssn\":\"123-45-6789\"}")]
    [InlineData("two types", "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
        "{\"ssn\":\"123-45-6789\"}")]
    [InlineData("encoded", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "{\"ssn\":\"123-45-6789\"}")]
    [InlineData("charset", "Content-Type: application/json; charset=utf-16\r\n", "{\"ssn\":\"123-45-6789\"}")]
    [InlineData("broken", "Content-Type: application/json\r\n", "{\"ssn\":\"123-45-6789\"")]
    [InlineData("duplicate", "Content-Type: application/json\r\n", "{\"a\":1}}\"123-45-6789\"")]
    public async Task What_cannot_be_masked_does_not_leave(string why, string fields, string body)
    {
        // Proves that an answer which is not provably JSON is refused with 502 and that nothing of it is in the
        // refusal.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => $"HTTP/1.1 200 OK\r\n{fields}Content-Length: {body.Length}\r\n\r\n{body}";
        MemoryClient client = gateway.Connect();
        WireMessage answer = await client.CallAsync(Requests.Get(gateway, "/people/1"));
        Assert.True(answer.Status == 502, why);
        Assert.Equal("urn:countersign:response-not-maskable", answer.Json.GetProperty("type").GetString());
        Assert.DoesNotContain(Secret, answer.Text + answer.Head, StringComparison.Ordinal);
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json("{}");
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/people/1"))).Status);
    }

    [Fact]
    public async Task A_range_of_a_masked_answer_is_neither_asked_nor_given()
    {
        // Proves that a caller cannot cut a value from its name: Range stays here, and an unasked 206 is refused.
        await using MemoryGateway gateway = new(Policies.Standard);
        gateway.Upstream.Reply = _ => "HTTP/1.1 206 Partial Content\r\nContent-Type: application/json\r\n"
            + "Content-Range: bytes 7-19/21\r\nContent-Length: 13\r\n\r\n\"" + Secret + "\"";
        WireMessage answer = await gateway.Connect().CallAsync(Requests.Get(gateway, "/people/1",
            "Range: bytes=7-19\r\n"));
        Assert.Equal(502, answer.Status);
        Assert.DoesNotContain(Secret, answer.Text, StringComparison.Ordinal);
        WireMessage seen = Assert.Single(gateway.Upstream.Requests);
        Assert.Empty(seen.All("Range"));
        Assert.Equal("identity", seen.Field("Accept-Encoding"));
    }

    [Fact]
    public async Task A_large_masked_answer_streams_and_counts_in_its_trailer()
    {
        // Proves that beyond the window the answer goes out in chunks, masked, with the count as a trailer.
        await using MemoryGateway gateway = new(Policies.Standard);
        string body = LargeBody();
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(body);
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/people/1"));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal("chunked", answer.Field("Transfer-Encoding"));
        Assert.Equal("Countersign-Masked", answer.Field("Trailer"));
        Assert.Equal(["Countersign-Masked: 5000"], answer.Trailers);
        Assert.True(JsonElement.DeepEquals(
            JsonDocument.Parse(body.Replace(Secret, "***", StringComparison.Ordinal)).RootElement, answer.Json));
        Assert.Equal(200, (await client.CallAsync(Requests.Get(gateway, "/raw/1"))).Status);
    }

    [Fact]
    public async Task A_large_answer_that_breaks_its_form_is_cut()
    {
        // Proves that past the window a refusal can only cut: no last chunk, the connection aborted, no secret seen.
        await using MemoryGateway gateway = new(Policies.Standard);
        string body = LargeBody()[..^1] + "," + $"oops \"ssn\":\"{Secret}\"]";
        gateway.Upstream.Reply = _ => ScriptedUpstream.Json(body);
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/people/1"));
        WireMessage answer = (await client.ReadAsync())!;
        Assert.False(answer.IsWhole);
        Assert.DoesNotContain(Secret, answer.Text, StringComparison.Ordinal);
        await client.ServedAsync();
        Assert.True(client.Connection.WasAborted);
    }

    [Fact]
    public async Task Records_are_sent_as_they_come()
    {
        // Proves that NDJSON is not held back: the first record is at the client before the second is sent.
        await using MemoryGateway gateway = new(Policies.Standard);
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Upstream.Script = async session =>
        {
            await session.ReadAsync();
            await session.WriteAsync(
                "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
            string record = $"{{\"ssn\":\"{Secret}\"}}\n";
            await session.WriteAsync($"{record.Length:x}\r\n{record}\r\n");
            await goOn.Task;
            await session.WriteAsync($"{record.Length:x}\r\n{record}\r\n0\r\n\r\n");
        };
        MemoryClient client = gateway.Connect();
        await client.SendAsync(Requests.Get(gateway, "/people/1"));
        await client.WaitForAsync(200);
        goOn.SetResult();
        WireMessage answer = (await client.ReadAsync())!;
        Assert.Equal("{\"ssn\":\"***\"}\n{\"ssn\":\"***\"}\n", answer.Text);
        Assert.Equal(["Countersign-Masked: 2"], answer.Trailers);
    }

    private static string LargeBody()
    {
        StringBuilder body = new("[");
        for (int index = 0; index < 5_000; index++)
        {
            body.Append(index == 0 ? "" : ",").Append("{\"n\":").Append(index).Append(",\"ssn\":\"").Append(Secret)
                .Append("\"}");
        }

        return body.Append(']').ToString();
    }
}
