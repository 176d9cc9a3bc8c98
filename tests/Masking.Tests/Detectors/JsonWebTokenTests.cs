namespace Countersign.Masking.Tests.Detectors;

public sealed class JsonWebTokenTests
{
    [Theory]
    [InlineData("eyJhbGciOiJFUzI1NiJ9..dozjgNryP4J3jVmNHl0w", "***")]
    [InlineData("x-jws-signature: eyJhbGciOiJFUzI1NiJ9..dozjgNryP4J3, ok", "x-jws-signature: ***, ok")]
    [InlineData("eyJhbGciOiJkaXIifQ..48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQ.XFBoMYUZodetZdvT", "***")]
    [InlineData("eyJhbGciOiJkaXIifQ..b.c.", "***.c.")]
    [InlineData("eyJhbGciOiJub25lIn0..", "eyJhbGciOiJub25lIn0..")]
    [InlineData("eyJhbGciOiJub25lIn0...", "eyJhbGciOiJub25lIn0...")]
    [InlineData("eyJhbGciOiJub25lIn0 ..abc", "eyJhbGciOiJub25lIn0 ..abc")]
    [InlineData("eyJ0eXAiOiJKV1QifQ..dozjgNryP4J3jVmNHl0w", "eyJ0eXAiOiJKV1QifQ..dozjgNryP4J3jVmNHl0w")]
    [InlineData("eyes..only", "eyes..only")]
    [InlineData("eyJhbGciOjB9..a", "***")]
    public void The_second_part_may_be_empty(string given, string expected)
    {
        // Proves that tokens whose content is detached, and encrypted ones without an encrypted key, are found where
        // the header says how they were made, and that dots behind a header, or behind other text, make none.
        EveryWay.AssertMasks("note", given, expected);
    }
}
