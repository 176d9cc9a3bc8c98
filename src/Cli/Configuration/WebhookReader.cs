using System.Net;
using System.Security.Cryptography;
using System.Text;
using Countersign.ControlPlane;

namespace Countersign.Cli.Configuration;

/// <summary>One webhook as configured; its secrets are not opened yet.</summary>
/// <param name="Place">Its place in the file, for errors.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its form.</param>
/// <param name="Events">What it hears of.</param>
/// <param name="Url">Its address; null where that is a secret too.</param>
/// <param name="UrlReference">Where its address is, or null.</param>
/// <param name="Secret">Where the key of its signature is, or null.</param>
/// <param name="AllowsPlainHttp">Notices may leave the machine in clear.</param>
internal sealed record WebhookSetting(
    string Place, string Name, WebhookKind Kind, NoticeEvents Events, Uri? Url, SecretReference? UrlReference,
    SecretReference? Secret, bool AllowsPlainHttp);

/// <summary>Reads <c>notices</c>: who is told what happens to approvals.</summary>
internal static class WebhookReader
{
    private const int WebhooksMax = 32;
    private const int SecretBytesMin = 24;
    private const int SecretBytesMax = 64;
    private const string SecretPrefix = "whsec_";

    /// <summary>The webhooks of a configuration.</summary>
    internal static IReadOnlyList<WebhookSetting> Read(ConfigurationSection root, Func<string, string> resolve)
    {
        List<WebhookSetting> webhooks = [];
        List<ConfigurationSection> sections = root.Sections("notices");
        for (int index = 0; index < sections.Count; index++)
        {
            WebhookSetting webhook = ReadOne(sections[index], $"notices[{index}]", resolve);
            if (webhooks.Exists(other => other.Name == webhook.Name))
                sections[index].Fault("name", $"'{webhook.Name}' is taken; every webhook has a name of its own");
            webhooks.Add(webhook);
        }

        if (sections.Count > WebhooksMax) root.Fault("notices", $"holds more than {WebhooksMax} webhooks");
        return webhooks;
    }

    /// <summary>The webhook with its secrets; null, and why, where one cannot be had.</summary>
    internal static WebhookOptions? TryOpen(
        WebhookSetting setting, IReadOnlyDictionary<string, string> environment, out string fault)
    {
        fault = "";
        Uri? url = setting.Url;
        if (setting.UrlReference is { } reference)
        {
            string? text = ReadText(reference, environment, ref fault);
            if (text is null) return null;
            fault = Check(text, setting.AllowsPlainHttp, out url);
            if (fault.Length > 0)
            {
                // The text is a secret, so the fault does not repeat it.
                fault = "url: what it refers to " + fault;
                return null;
            }
        }

        byte[] secret = [];
        if (setting.Secret is { } key)
        {
            string? text = ReadText(key, environment, ref fault);
            if (text is null) return null;
            if (!TryDecode(text, out secret))
            {
                fault = "secret: must be 24 to 64 bytes, as they are or as whsec_ and base64";
                return null;
            }
        }

        return new WebhookOptions
        {
            Name = setting.Name,
            Url = url!,
            Kind = setting.Kind,
            Events = setting.Events,
            Secret = secret,
        };
    }

    private static WebhookSetting ReadOne(ConfigurationSection section, string place, Func<string, string> resolve)
    {
        string name = section.Text("name") ?? "";
        if (name.Length is 0 or > 40 || name.Any(one => !char.IsAsciiLetterOrDigit(one) && one is not ('-' or '_')))
            section.Fault("name", "must be 1 to 40 letters, digits, '-' and '_'");
        WebhookKind kind = ReadKind(section);
        bool allowsPlain = section.Flag("allowPlainHttp", false);
        (Uri? url, SecretReference? urlReference) = ReadUrl(section, allowsPlain, resolve);
        SecretReference? secret = null;
        if (section.Text("secret") is { } text)
        {
            secret = SecretReference.Parse(text, resolve);
            if (secret is null) section.Fault("secret", "must be a reference, file:<path> or env:<NAME>");
            if (kind == WebhookKind.Slack) section.Fault("secret", "is not for slack, whose address is the secret");
        }
        else if (kind == WebhookKind.Generic)
        {
            section.Fault("secret", "is required: receivers must be able to tell our notices from others'");
        }

        WebhookSetting webhook = new(
            place, name, kind, ReadEvents(section), url, urlReference, secret, allowsPlain);
        section.RefuseOthers();
        return webhook;
    }

    private static (Uri? Url, SecretReference? Reference) ReadUrl(
        ConfigurationSection section, bool allowsPlain, Func<string, string> resolve)
    {
        string? text = section.Text("url");
        if (text is null)
        {
            if (!section.Has("url")) section.Fault("url", "is required");
            return (null, null);
        }

        if (SecretReference.Parse(text, resolve) is { } reference) return (null, reference);
        string fault = Check(text, allowsPlain, out Uri? url);
        if (fault.Length > 0) section.Fault("url", fault);
        return (url, null);
    }

    private static WebhookKind ReadKind(ConfigurationSection section)
    {
        switch (section.Text("kind") ?? "generic")
        {
            case "generic": return WebhookKind.Generic;
            case "slack": return WebhookKind.Slack;
            default:
                section.Fault("kind", "must be generic or slack");
                return WebhookKind.None;
        }
    }

    private static NoticeEvents ReadEvents(ConfigurationSection section)
    {
        const NoticeEvents All =
            NoticeEvents.Created | NoticeEvents.Settled | NoticeEvents.BreakGlass | NoticeEvents.ReviewOwed;
        if (section.Texts("events") is not { } names) return All;
        NoticeEvents events = NoticeEvents.None;
        foreach (string name in names)
        {
            NoticeEvents one = name switch
            {
                "created" => NoticeEvents.Created,
                "settled" => NoticeEvents.Settled,
                "break-glass" => NoticeEvents.BreakGlass,
                "review-owed" => NoticeEvents.ReviewOwed,
                _ => NoticeEvents.None,
            };
            if (one == NoticeEvents.None)
                section.Fault("events", $"'{name}' is not created, settled, break-glass or review-owed");
            events |= one;
        }

        if (names.Count == 0) section.Fault("events", "needs at least one event; leave it out for all");
        return events;
    }

    private static string Check(string text, bool allowsPlain, out Uri? url)
    {
        bool isUrl = Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https"
            && url!.UserInfo.Length == 0 && url.Fragment.Length == 0;
        if (!isUrl) return "is not an http or https URL without user and fragment, nor a reference to one";
        bool isLoopback = url!.IsLoopback
            || (IPAddress.TryParse(url.Host, out IPAddress? address) && IPAddress.IsLoopback(address));
        return url.Scheme == "https" || isLoopback || allowsPlain
            ? ""
            : "is http to another machine: use https, or set allowPlainHttp";
    }

    private static string? ReadText(
        SecretReference reference, IReadOnlyDictionary<string, string> environment, ref string fault)
    {
        if (reference.Variable is { } variable)
        {
            if (environment.TryGetValue(variable, out string? value)) return value.Trim();
            fault = $"environment variable {variable} is not set.";
            return null;
        }

        try
        {
            return File.ReadAllText(reference.File!).Trim();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            fault = problem.Message;
            return null;
        }
    }

    private static bool TryDecode(string text, out byte[] secret)
    {
        secret = [];
        if (!text.StartsWith(SecretPrefix, StringComparison.Ordinal))
        {
            secret = Encoding.UTF8.GetBytes(text);
        }
        else
        {
            byte[] bytes = new byte[text.Length];
            if (!Convert.TryFromBase64String(text[SecretPrefix.Length..], bytes, out int written)) return false;
            secret = bytes[..written];
            CryptographicOperations.ZeroMemory(bytes);
        }

        return secret.Length is >= SecretBytesMin and <= SecretBytesMax;
    }
}
