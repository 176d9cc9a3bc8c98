using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Countersign.Cli.Configuration;

/// <summary>
/// A configuration as the audit tells it: what decides who may do what, name by name. Nothing that may be a secret is
/// in it: neither the store's connection string nor the address of a webhook.
/// </summary>
internal static class ConfigurationText
{
    /// <summary>One JSON object, the same for the same configuration.</summary>
    internal static string Of(GatewayOptions options, Roles roles)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text))
        {
            json.WriteStartObject();
            json.WriteString("roles", roles.ToString());
            Write(json, "data", options.DataListen.Select(one => one.ToString()));
            json.WriteBoolean("tls", options.DataTls is not null);
            Write(json, "trusted_proxies", options.TrustedProxies.Select(one => one.ToString()));
            Write(json, "control", options.ControlListen.Select(one => one.ToString()));
            json.WriteBoolean("control_tls", options.ControlTls is not null);
            json.WriteString("store", options.Redis is null ? "embedded" : "redis");
            Write(json, "issuers", options.Issuers.Select(one => one.Issuer));
            Write(json, "console", options.ConsoleClients.Select(one => one.Client.ClientId));
            Write(json, "policy_admins", options.PolicyAdmins);
            Write(json, "policy_approvers", options.PolicyApprovers);
            Write(json, "revealers", options.Revealers);
            Write(json, "auditors", options.Auditors);
            Write(json, "notices", options.Webhooks.Select(one => one.Name));
            json.WriteString("copies", options.Audit.Terms.Copies.ToString());
            json.WriteString("keep_for", options.Audit.KeepFor.ToString());
            json.WriteNumber("keep_bytes", options.Audit.KeepBytes);
            Write(json, "ship", options.Audit.Ship.Select(one => one.Told));
            json.WriteBoolean("keep_unshipped", options.Audit.KeepsUnshipped);
            json.WriteString("receipts", options.Audit.Terms.Receipts.ToString());
            Write(json, "witnesses", options.Audit.Witnesses.Select(one => one.Key.ToString()));
            Write(json, "witness_for", options.Audit.WitnessFor.Select(one => one.ToString()));
            json.WriteBoolean("fleet_witnesses", options.Audit.WitnessesFleet);
            json.WriteNumber("witness_quorum", options.Audit.WitnessQuorum);
            json.WriteNumber("request_copy_bytes", options.Audit.Terms.RequestCopyBytesMax);
            json.WriteNumber("response_copy_bytes", options.Audit.Terms.ResponseCopyBytesMax);
            json.WriteString("limits", Digest(options.Limits.ToString()));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary><c>sha256:</c> and 64 hexadecimal digits.</summary>
    internal static string Digest(string text) =>
        "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
