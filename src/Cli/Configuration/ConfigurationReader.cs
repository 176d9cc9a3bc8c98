using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Countersign.DataPlane;
using Countersign.Identity.Inbound;
using Countersign.Policy;

namespace Countersign.Cli.Configuration;

/// <summary>What the command line says over the file.</summary>
internal sealed record ConfigurationFlags(
    string? Data = null, string? Control = null, string? Store = null, string? Audit = null);

/// <summary>What came of reading: options, or every error.</summary>
/// <param name="Options">What was read; null where anything is wrong.</param>
/// <param name="Errors">All that is wrong.</param>
/// <param name="Faulty">What was read all the same, to look for more errors in; null where nothing was.</param>
internal sealed record ConfigurationReading(
    GatewayOptions? Options, IReadOnlyList<string> Errors, GatewayOptions? Faulty = null);

/// <summary>
/// Reads <c>countersign.json</c>, then the environment (<c>COUNTERSIGN__STORE__REDIS</c>), then flags; each overrides
/// the one before. Relative paths are relative to the file's folder.
/// </summary>
internal static class ConfigurationReader
{
    /// <summary>Stands for the callers that the audit saw; a file of this name is <c>./learned</c>.</summary>
    private const string Learned = "learned";

    private const string Prefix = "COUNTERSIGN__";

    private static readonly JsonDocumentOptions Strict =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };

    /// <summary>Reads and checks everything.</summary>
    internal static ConfigurationReading Read(
        string? file, IReadOnlyDictionary<string, string> environment, ConfigurationFlags flags, string machineName)
    {
        List<string> errors = [];
        string folder = Path.GetFullPath(file is null ? "." : Path.GetDirectoryName(Path.GetFullPath(file))!);
        JsonObject? content = file is null ? [] : Load(file, errors);
        if (content is null) return new(null, errors);
        Overlay(content, environment, errors);
        ConfigurationSection root = new(content, "", errors);
        GatewayOptions options = ReadRoot(
            root, flags, machineName, path => Path.GetFullPath(Path.Combine(folder, path)), errors);
        return errors.Count == 0 ? new(options, errors) : new(null, errors, options);
    }

    private static JsonObject? Load(string file, List<string> errors)
    {
        try
        {
            if (JsonNode.Parse(File.ReadAllText(file), documentOptions: Strict) is JsonObject content) return content;
            errors.Add($"{file}: must hold one JSON object");
        }
        catch (JsonException fault)
        {
            // A name that is given twice is told without its place.
            string place = fault.LineNumber is { } line ? $"{file}:{line + 1}:{fault.BytePositionInLine + 1}" : file;
            errors.Add($"{place}: is not JSON: {fault.Message.Split(". LineNumber")[0]}");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{file}: cannot be read: {fault.Message}");
        }

        return null;
    }

    private static void Overlay(
        JsonObject content, IReadOnlyDictionary<string, string> environment, List<string> errors)
    {
        // In the order of their names, numbers by value: an environment has none of its own, and a list grows by one.
        foreach ((string name, string value) in environment.OrderBy(pair => InOrder(pair.Key), StringComparer.Ordinal))
        {
            if (!name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) continue;
            string[] steps = name[Prefix.Length..].Split("__");
            JsonNode at = content;
            for (int step = 0; step < steps.Length; step++)
            {
                bool isLast = step == steps.Length - 1;
                if (!TryStep(ref at, steps[step], isLast ? null : steps[step + 1], isLast ? value : null))
                {
                    errors.Add($"environment variable {name}: does not name a setting");
                    break;
                }
            }
        }
    }

    private static string InOrder(string name) => string.Join("__", name.ToUpperInvariant().Split("__").Select(
        step => int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            ? index.ToString("D10", CultureInfo.InvariantCulture)
            : step));

    private static bool TryStep(ref JsonNode at, string step, string? next, string? value)
    {
        bool nextIsIndex = int.TryParse(next, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        JsonNode Made() =>
            value is not null ? JsonValue.Create(value)! : nextIsIndex ? new JsonArray() : new JsonObject();
        if (at is JsonArray array)
        {
            if (!int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
                || index > array.Count)
            {
                return false;
            }

            if (index == array.Count) array.Add(Made());
            else if (value is not null) array[index] = Made();
            at = array[index]!;
            return true;
        }

        if (at is not JsonObject parent || step.Length == 0) return false;
        string key = parent.Select(pair => pair.Key).FirstOrDefault(
            known => known.Equals(step, StringComparison.OrdinalIgnoreCase))
            ?? KnownNames.Spell(step);
        if (value is not null || parent[key] is null) parent[key] = Made();
        at = parent[key]!;
        return true;
    }

    private static DataTransport ReadTransport(ConfigurationSection data)
    {
        switch (data.Text("transport"))
        {
            case null or "sockets": return DataTransport.Sockets;
            case "kestrel": return DataTransport.Kestrel;
            case "epoll" when DataPlaneListener.SupportsEpoll: return DataTransport.Epoll;
            case "epoll":
                data.Fault("transport", "'epoll' needs Linux on x86-64 or arm64; 'sockets' picks what there is");
                return DataTransport.Sockets;
            case "io_uring" when DataPlaneListener.SupportsIoUring: return DataTransport.IoUring;
            case "io_uring":
                data.Fault(
                    "transport",
                    "'io_uring' needs Linux 6.6 or later, and to be allowed it (kernel.io_uring_disabled, seccomp); "
                    + "'sockets' picks what there is");
                return DataTransport.Sockets;
            default:
                data.Fault("transport", "must be 'sockets', 'io_uring', 'epoll' or 'kestrel'");
                return DataTransport.Sockets;
        }
    }

    private static GatewayOptions ReadRoot(
        ConfigurationSection root, ConfigurationFlags flags, string machineName, Func<string, string> resolve,
        List<string> errors)
    {
        ConfigurationSection data = root.Section("data"), control = root.Section("control");
        ConfigurationSection store = root.Section("store"), identity = root.Section("identity");
        ConfigurationSection audit = root.Section("audit"), secrets = root.Section("secrets");
        ConfigurationSection policy = root.Section("policy"), gateway = root.Section("gateway");
        ConfigurationSection approvals = root.Section("approvals");
        string? redis = store.Text("redis"), embedded = store.Text("embedded"), auditFolder = audit.Text("folder");
        if (flags.Store is { } flagged)
        {
            bool isEmbedded = flagged == "embedded";
            redis = isEmbedded ? null : flagged;
            embedded = isEmbedded ? embedded ?? "state/store" : null;
        }

        IdentitySettings who = IdentityReader.Read(identity, resolve, errors);
        if (redis is null == embedded is null) store.Fault("redis", "give either store.redis or store.embedded");
        GatewayOptions options = new()
        {
            Name = gateway.Text("name") ?? machineName,
            DataListen = data.Endpoints("listen", "127.0.0.1:8080"),
            DataUrl = Url(data, "publicUrl"),
            Transport = ReadTransport(data),
            TrustedProxies = data.Networks("trustedProxies"),
            DataTls = DataEntranceReader.ReadTls(data, resolve),
            DataProxyProtocol = DataEntranceReader.ReadProxyProtocol(data),
            ControlListen = control.Endpoints("listen", "127.0.0.1:8081"),
            ControlUrl = Url(control, "publicUrl"),
            ControlTls = DataEntranceReader.ReadTls(control, resolve),
            Redis = redis,
            Embedded = embedded is null ? null : resolve(embedded),
            Issuers = who.Issuers,
            Identity = who,
            AuditFolder = resolve(flags.Audit ?? auditFolder ?? "state/audit"),
            SealingKey = ReadSecret(secrets, "sealingKey", "file:state/sealing.key", resolve),
            MaskKeys = MaskKeyReader.Read(root.Section("masking"), resolve),
            Limits = LimitsReader.Read(root.Section("limits")),
            PolicyBootstrap = policy.Text("bootstrap") is { } file ? resolve(file) : null,
            PolicyDirectory = policy.Text("directory") is { } people and not Learned ? resolve(people) : null,
            LearnsPeople = policy.Text("directory") == Learned,
            PolicyAdmins = policy.Texts("admins") ?? ["policy-admins"],
            PolicyApprovers = policy.Texts("approvers") ?? [],
            PolicyDecideWithin = policy.Duration(
                "decideWithin", TimeSpan.FromDays(1), TimeSpan.FromSeconds(1), TimeSpan.FromDays(30)),
            Webhooks = WebhookReader.Read(root, resolve),
            Revealers = approvals.Texts("reveal") ?? [],
            Auditors = audit.Texts("auditors") ?? ["auditors"],
            Audit = AuditSettingsReader.Read(audit, resolve),
        };
        ConfigurationSection console = root.Section("console");
        options = options with
        {
            Credentials = CredentialsReader.Read(root.Section("credentials"), options.Limits, resolve),
            ConsoleClients = ConsoleReader.ReadClients(console, options.Issuers, resolve, errors),
            Console = ConsoleReader.ReadTerms(console),
        };
        if (flags.Data is not null || flags.Control is not null) options = WithFlags(options, flags, errors);
        if (options.Issuers.Count == 0)
            identity.Fault("issuers", "at least one issuer is needed, or no caller can be known");
        errors.AddRange(IssuerOptions.Check(options.Issuers));
        ConfigurationSection[] sections =
            [data, control, store, identity, audit, secrets, policy, gateway, approvals, root.Section("telemetry")];
        foreach (ConfigurationSection section in sections) section.RefuseOthers();
        root.Text("$schema");
        root.RefuseOthers();
        return options;
    }

    private static GatewayOptions WithFlags(GatewayOptions options, ConfigurationFlags flags, List<string> errors)
    {
        if (flags.Data is { } data)
        {
            if (ConfigurationSection.TryParseEndpoint(data, out var endpoint))
            {
                options = options with { DataListen = [endpoint!] };
            }
            else errors.Add($"--data: '{data}' is not an address and port such as 127.0.0.1:8080");
        }

        if (flags.Control is not { } control) return options;
        if (ConfigurationSection.TryParseEndpoint(control, out var listen))
        {
            return options with { ControlListen = [listen!] };
        }

        errors.Add($"--control: '{control}' is not an address and port such as 127.0.0.1:8081");
        return options;
    }

    internal static SecretReference ReadSecret(
        ConfigurationSection section, string key, string absent, Func<string, string> resolve)
    {
        string text = section.Text(key) ?? absent;
        SecretReference? reference = SecretReference.Parse(text, resolve);
        // The text itself is not repeated: somebody may have put the secret there.
        if (reference is null)
        {
            section.Fault(key, "must be a reference, file:<path> or env:<NAME>, never the secret itself");
        }

        return reference ?? new SecretReference(null, null);
    }

    private static string? Url(ConfigurationSection section, string key)
    {
        string? text = section.Text(key);
        if (text is null) return null;
        bool isUrl = Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
            && url.AbsolutePath == "/";
        if (!isUrl) section.Fault(key, $"'{text}' is not an absolute http or https URL without a path");
        return text.TrimEnd('/');
    }
}
