using System.Text;
using Countersign.Policy.Approvals;
using Xunit;

namespace Countersign.Policy.Tests.Approvals;

public sealed class CallPayloadTests
{
    [Fact]
    public void Headers_and_body_come_back_as_they_were_and_credentials_do_not()
    {
        // Proves what waits sealed; by a header of every kind and a body that looks like the form.
        byte[] body = [1, 0, 0, 0, 9];
        byte[] written = CallPayload.Write(
            [
                new("cookie", "sid=1"u8.ToArray()), new("if-match", "v7"u8.ToArray()), new("x-none", null),
                new("x-empty", Array.Empty<byte>()),
            ],
            body);
        CallPayload read = CallPayload.Read(written)!;
        Assert.Equal(body, read.Body.ToArray());
        Assert.Equal(
            ["cookie Credential ", "if-match Kept v7", "x-none Absent ", "x-empty Kept "],
            read.Headers.Select(one => $"{one.Name} {one.State} {Encoding.ASCII.GetString(one.Value.Span)}"));
        Assert.DoesNotContain("sid=1", Encoding.Latin1.GetString(written), StringComparison.Ordinal);
        Assert.Equal([7], CallPayload.Read(CallPayload.Write([], [7]))!.Body.ToArray());
    }

    [Fact]
    public void What_is_cut_short_or_of_another_form_is_not_read()
    {
        // Proves that it fails closed; by every cut before the body, another form and impossible lengths.
        byte[] written = CallPayload.Write([new("if-match", "v7"u8.ToArray())], []);
        for (int length = 0; length < written.Length; length++)
            Assert.Null(CallPayload.Read(written.AsMemory(0, length)));
        Assert.NotNull(CallPayload.Read(written));
        Assert.Null(CallPayload.Read(new byte[] { 2, 0, 0, 0, 0 }));
        Assert.Null(CallPayload.Read(new byte[] { 1, 255, 255, 255, 255 }));
        Assert.Null(CallPayload.Read(new byte[] { 1, 0, 0, 0, 1, 2, 127, 255, 255, 255 }));
        Assert.Null(CallPayload.Read(new byte[] { 1, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0 }));
    }

    [Theory]
    [InlineData("Authorization", true)]
    [InlineData("cookie", true)]
    [InlineData("DPoP", true)]
    [InlineData("X-Goog-Api-Key", true)]
    [InlineData("x_auth_token", true)]
    [InlineData("If-Match", false)]
    [InlineData("x-tenant", false)]
    [InlineData("x-environment", false)]
    [InlineData("content-digest", false)]
    public void A_credential_is_known_by_its_name(string name, bool expected)
    {
        // Proves which fields are never shown; by names that vendors use and by names that only bind.
        Assert.Equal(expected, CredentialFields.Has(name));
    }
}
