namespace Countersign.Architecture.Tests;

/// <summary>What a declaration declares.</summary>
internal enum MemberKind : byte
{
    Type,
    Method,
    Property,
}

/// <summary>One declaration in a source file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its own name.</param>
/// <param name="Attributes">Its attributes' code.</param>
/// <param name="Header">Its code up to the body, without attributes.</param>
/// <param name="Top">Where its attributes begin, or else the header.</param>
/// <param name="Start">Where the header begins.</param>
/// <param name="Body">Where the opening brace or the arrow stands.</param>
/// <param name="End">Where the closing brace or the semicolon stands.</param>
internal sealed record Member(
    MemberKind Kind, string Name, string Attributes, string Header, int Top, int Start, int Body, int End);
