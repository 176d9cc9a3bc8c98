using System.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.Logging;

namespace Countersign.ControlPlane.Console;

/// <summary>Renders a component to a whole page on the server: static, no circuit, no state afterwards.</summary>
internal sealed class PageRenderer(IServiceProvider services, ILoggerFactory logs)
{
    /// <summary>A page of the component that shows <paramref name="model"/>.</summary>
    public async ValueTask<Reply> RenderAsync<TPage>(int status, object model)
        where TPage : IComponent
    {
        await using HtmlRenderer renderer = new(services, logs);
        string html = await renderer.Dispatcher.InvokeAsync(async () =>
        {
            ParameterView parameters = ParameterView.FromDictionary(
                new Dictionary<string, object?> { ["Model"] = model });
            return (await renderer.RenderComponentAsync<TPage>(parameters)).ToHtmlString();
        });
        return new Reply(status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(html));
    }
}
