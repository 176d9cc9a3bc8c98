using Countersign.ControlPlane.Console;
using Countersign.ControlPlane.Console.Pages;
using Countersign.ControlPlane.Console.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Countersign.ControlPlane.Tests.Console.Text;

public sealed class TextFoldTests
{
    [Fact]
    public void A_long_text_states_how_much_of_it_is_folded()
    {
        // Proves that what is in sight and what is folded are the text, that its length is stated, that a pair is never
        // cut in two, and that marks behind the fold are counted.
        string text = new string('x', ConsoleLimits.TextShownMax - 1) + "\U0001F600" + new string('y', 200) + "\u202E";
        TextFold fold = TextFold.Of(text, folds: true);
        Assert.Equal(ConsoleLimits.TextShownMax - 1, fold.Shown.Sum(part => part.Text.Length));
        Assert.Equal(text.Length - ConsoleLimits.TextShownMax + 1, fold.FoldedCharacters);
        Assert.StartsWith("\U0001F600", fold.Folded[0].Text, StringComparison.Ordinal);
        Assert.Equal(1, fold.Marks);
        Assert.Equal(0, TextFold.Of(text, folds: false).FoldedCharacters);
        Assert.Equal(0, TextFold.Of(new string('x', ConsoleLimits.TextShownMax + 10), folds: true).FoldedCharacters);
    }

    [Fact]
    public async Task The_component_escapes_marks_and_folds()
    {
        // Proves on the HTML itself: text is escaped, a mark has its note, and the fold says how long it is.
        string html = await HtmlAsync("<b>&\"'\u202E " + new string('x', 900));
        Assert.StartsWith("<bdi class=\"text\" dir=\"ltr\">&lt;b&gt;&amp;&quot;&#x27;<mark class=\"code\"", html);
        Assert.Contains("title=\"turns the direction of the text\">RLO</mark>", html, StringComparison.Ordinal);
        Assert.Contains("628 more characters are folded away", html, StringComparison.Ordinal);
        Assert.Contains("1 marked character: RLO turns the direction of the text", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", html, StringComparison.Ordinal);
    }

    private static async Task<string> HtmlAsync(string text)
    {
        await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        await using HtmlRenderer renderer = new(services, NullLoggerFactory.Instance);
        return await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync<VisibleText>(
            ParameterView.FromDictionary(new Dictionary<string, object?> { ["Text"] = text }))).ToHtmlString());
    }
}
