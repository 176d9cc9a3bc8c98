using System.Text;
using Countersign.Masking.Content;

namespace Countersign.Masking.Tests.Content;

public sealed class ContentShapeTests
{
    [Theory]
    [InlineData("application/json", (byte)ContentKind.Json)]
    [InlineData("Application/JSON ; charset=UTF-8", (byte)ContentKind.Json)]
    [InlineData("application/problem+json;charset=\"utf-8\"", (byte)ContentKind.Json)]
    [InlineData("text/json", (byte)ContentKind.Json)]
    [InlineData("application/x-ndjson", (byte)ContentKind.JsonLines)]
    [InlineData("application/jsonl", (byte)ContentKind.JsonLines)]
    [InlineData("text/event-stream;charset=utf-8", (byte)ContentKind.EventStream)]
    [InlineData("application/x-www-form-urlencoded", (byte)ContentKind.Form)]
    [InlineData("text/plain", (byte)ContentKind.Text)]
    [InlineData("text/plain; charset=us-ascii; format=flowed", (byte)ContentKind.Text)]
    [InlineData("text/csv; header=present;", (byte)ContentKind.Text)]
    [InlineData("multipart/mixed; boundary=abc", (byte)ContentKind.Multipart)]
    [InlineData("multipart/form-data; boundary=\"a b:c\"", (byte)ContentKind.Multipart)]
    [InlineData("", (byte)ContentKind.Unknown)]
    [InlineData("json", (byte)ContentKind.Unknown)]
    [InlineData("+json", (byte)ContentKind.Unknown)]
    [InlineData("text/html", (byte)ContentKind.Unknown)]
    [InlineData("application/xml", (byte)ContentKind.Unknown)]
    [InlineData("application/octet-stream", (byte)ContentKind.Unknown)]
    [InlineData("application/json; charset=utf-16", (byte)ContentKind.Unknown)]
    [InlineData("text/plain; charset=iso-8859-1", (byte)ContentKind.Unknown)]
    [InlineData("text/plain; charset=utf-8; charset=utf-8", (byte)ContentKind.Unknown)]
    [InlineData("text/plain; charset=", (byte)ContentKind.Unknown)]
    [InlineData("text/plain; charset", (byte)ContentKind.Unknown)]
    [InlineData("text/plain; a=\"b", (byte)ContentKind.Unknown)]
    [InlineData("text/plain; a=\"b\\\"c\"", (byte)ContentKind.Unknown)]
    [InlineData("text/plain, application/json", (byte)ContentKind.Unknown)]
    [InlineData("multipart/mixed", (byte)ContentKind.Unknown)]
    [InlineData("multipart/mixed; boundary=\"\"", (byte)ContentKind.Unknown)]
    [InlineData("multipart/mixed; boundary=a; boundary=b", (byte)ContentKind.Unknown)]
    [InlineData("multipart/mixed; boundary=\"a{b\"", (byte)ContentKind.Unknown)]
    public void Reads_content_types(string type, byte kind)
    {
        // Proves each kind with its spellings and parameters, and that what is doubtful is unknown.
        Assert.Equal((ContentKind)kind, ContentShape.Of(Encoding.ASCII.GetBytes(type)).Kind);
    }

    [Theory]
    [InlineData("multipart/mixed; boundary=abc", "abc")]
    [InlineData("multipart/mixed; a=b; Boundary=\"a b\" ; c=d", "a b")]
    public void Finds_the_boundary(string type, string boundary)
    {
        // Proves where the boundary is in the field, with and without quotes.
        ContentShape shape = ContentShape.Of(Encoding.ASCII.GetBytes(type));
        Assert.Equal(boundary, type.Substring(shape.BoundaryStart, shape.BoundaryLength));
    }
}
