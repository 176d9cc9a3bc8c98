namespace Countersign.Architecture.Tests;

public sealed class SourceTextTests
{
    [Theory]
    [InlineData("a // b", "a     ", "  // b")]
    [InlineData("a /* b */ c", "a         c", "  /* b */  ")]
    [InlineData("\"a // b\" c", "\"      \" c", null)]
    [InlineData("\"a\\\"b\" c", "\"    \" c", null)]
    [InlineData("@\"a\\\" c", "@\"  \" c", null)]
    [InlineData("@\"a\"\"b\" c", "@\"    \" c", null)]
    [InlineData("$\"a{b}c{{d}}\" e", "$\"  b       \" e", null)]
    [InlineData("$\"{f(\"x\")}\" e", "$\" f(\" \") \" e", null)]
    [InlineData("\"\"\"a\"b\"\"\" c", "\"\"\"   \"\"\" c", null)]
    [InlineData("$$\"\"\"{a}{{b}}\"\"\" c", "$$\"\"\"     b  \"\"\" c", null)]
    [InlineData("'\"' + '\\'' + x", "' ' + '  ' + x", null)]
    [InlineData("#region it's\na", "#region it's\na", null)]
    [InlineData("\"\" + x", "\"\" + x", null)]
    public void Takes_text_apart(string text, string code, string? comments)
    {
        // Proves on each kind of comment and literal that code and comments come out blanked and in place.
        var parts = new SourceText(text);
        Assert.Equal(code, parts.Code);
        Assert.Equal(comments ?? string.Concat(text.Select(one => one == '\n' ? '\n' : ' ')), parts.Comments);
    }

    [Theory]
    [InlineData("class A { int B() { } }", "A B")]
    [InlineData("class A { int B() => C(); int D => 1; int E { get; } = F(); }", "A B D E")]
    [InlineData("class A { object b = new() { C = 1 }; void D() { if (x) { } } }", "A D")]
    [InlineData("class A { Func<int> b = () => { return 1; }; void C() { } }", "A C")]
    [InlineData("class A { (int, int) B() { } static (int X, int Y) C() => (1, 2); }", "A B C")]
    [InlineData("class A { [Fact(Skip = \"\")] [X(1)] void B<T>() where T : class { } }", "A B")]
    [InlineData("record A(int X); record struct B(int Y) { int C() => 1; }", "A B C")]
    [InlineData("class A(int x) : B(x) { public A() : this(1) { } class C { void D() { } } }", "A A C D")]
    [InlineData("class A { int B(int x) => x switch { 1 => 2, _ => 3 }; void C() { } }", "A B C")]
    [InlineData("enum A { B, C = 1 } interface D { void E(); int F(); } class G { void H() { } }", "A D G H")]
    [InlineData("namespace N; class A { string this[int i] { get { } } void B() { } }", "A this B")]
    public void Finds_what_is_declared(string code, string names)
    {
        // Proves on each form of declaration that types, methods and properties with a body are found under their
        // names.
        SourceFile file = new("src/A.cs", code);
        Assert.Equal(names, string.Join(' ', file.Members.Select(member => member.Name)));
    }
}
