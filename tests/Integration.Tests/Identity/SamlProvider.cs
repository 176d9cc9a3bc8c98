using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Xunit;

namespace Countersign.Integration.Tests.Identity;

/// <summary>SimpleSAMLphp (the Debian package) in PHP's own web server, on loopback, with a folder of its
/// own.</summary>
internal sealed class SamlProvider : IAsyncDisposable
{
    private const string Www = "/usr/share/simplesamlphp/www";
    private const string Remedy =
        "install simplesamlphp, php-cli, php-xml and xmlsec1 (Debian: apt-get install "
        + "--no-install-recommends simplesamlphp php-cli php-cgi php-xml php-mbstring micro-httpd xmlsec1)";

    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("countersign-ssp-").FullName;
    private readonly StringBuilder _log = new();
    private readonly Process _php;

    private SamlProvider(int port)
    {
        Address = $"http://127.0.0.1:{port}";
        using RSA key = RSA.Create(2048);
        using X509Certificate2 certificate = new CertificateRequest(
                "CN=idp", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(9));
        foreach (string name in (string[])["metadata", "cert", "log", "data", "tmp", "sessions"])
            Directory.CreateDirectory(Path.Combine(_folder, name));
        Write("cert/idp.pem", key.ExportPkcs8PrivateKeyPem());
        Write("cert/idp.crt", certificate.ExportCertificatePem());
        Write("config.php", Config());
        Write("authsources.php", """
            <?php $config = ['people' => ['exampleauth:UserPass',
              'carol:carolpass' => ['uid' => ['carol'], 'groups' => ['finance-leads', 'staff']],
              'mallory:mallorypass' => ['uid' => ['mallory'], 'groups' => ['guests']]]];
            """);
        Write("metadata/saml20-idp-hosted.php", """
            <?php $metadata['__DYNAMIC:1__'] = ['host' => '__DEFAULT__', 'privatekey' => 'idp.pem',
              'certificate' => 'idp.crt', 'auth' => 'people',
              'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
              'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
              'authproc' => [1 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid',
                'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent']]];
            """);
        _php = new Process
        {
            StartInfo = new ProcessStartInfo(
                "php", ["-d", "session.save_path=" + In("sessions"), "-S", $"127.0.0.1:{port}", "-t", Www])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                Environment = { ["SIMPLESAMLPHP_CONFIG_DIR"] = _folder },
            },
        };
    }

    /// <summary>Where it listens.</summary>
    public string Address { get; }

    /// <summary>Its entity id, and where its metadata is.</summary>
    public string EntityId => Address + "/saml2/idp/metadata.php";

    /// <summary>The file of its key.</summary>
    public string KeyFile => In("cert/idp.pem");

    /// <summary>The file of its certificate.</summary>
    public string CertificateFile => In("cert/idp.crt");

    /// <summary>What it said.</summary>
    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    /// <summary>Starts it; a machine without it fails the test and is told what to do.</summary>
    public static async Task<SamlProvider> StartAsync(CancellationToken cancel)
    {
        if (!Directory.Exists(Www)) Assert.Fail(Remedy);
        for (int attempt = 1; ; attempt++)
        {
            SamlProvider provider = new(FreePort());
            try
            {
                if (await provider.TryStartAsync(cancel)) return provider;
            }
            catch
            {
                await provider.DisposeAsync();
                throw;
            }

            string log = provider.Log;
            await provider.DisposeAsync();
            Assert.True(attempt < 5, log);
        }
    }

    /// <summary>Makes a service provider known to it.</summary>
    /// <param name="control">The control listener's address.</param>
    /// <param name="more">More members of its entry, in PHP.</param>
    public void Know(string control, string more = "") => Write("metadata/saml20-sp-remote.php", $"""
        <?php $metadata['{control}/saml/metadata'] =
          ['AssertionConsumerService' => '{control}/console/signin/saml', {more}];
        """);

    public async ValueTask DisposeAsync()
    {
        try
        {
            _php.Kill(entireProcessTree: true);
            await _php.WaitForExitAsync();
        }
        catch (InvalidOperationException)
        {
            // It never started.
        }

        _php.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> TryStartAsync(CancellationToken cancel)
    {
        void Hear(object sender, DataReceivedEventArgs line)
        {
            lock (_log) _log.AppendLine(line.Data);
        }

        _php.ErrorDataReceived += Hear;
        _php.OutputDataReceived += Hear;
        try
        {
            _php.Start();
        }
        catch (Win32Exception)
        {
            Assert.Fail(Remedy);
        }

        _php.BeginErrorReadLine();
        _php.BeginOutputReadLine();
        using HttpClient http = new();
        long startedAt = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(startedAt) < PatienceMax)
        {
            if (_php.HasExited) return false;
            try
            {
                using HttpResponseMessage metadata = await http.GetAsync(EntityId, cancel);
                return metadata.StatusCode == HttpStatusCode.OK;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(50, cancel);
            }
        }

        return false;
    }

    private string Config() => $"""
        <?php $config = ['baseurlpath' => '{Address}/', 'certdir' => '{In("cert")}/', 'loggingdir' => '{In("log")}/',
          'datadir' => '{In("data")}/', 'tempdir' => '{In("tmp")}', 'secretsalt' => 'a-salt-for-tests-alone-0123456789',
          'auth.adminpassword' => 'not-used-in-tests', 'technicalcontact_email' => 'na@example.org',
          'timezone' => 'UTC',
          'logging.level' => 4, 'logging.handler' => 'errorlog', 'enable.saml20-idp' => true,
          'store.type' => 'phpsession', 'session.phpsession.savepath' => '{In("sessions")}',
          'session.cookie.secure' => false, 'session.cookie.samesite' => 'Lax', 'production' => true,
          'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true], 'showerrors' => true,
          'metadata.sources' => [['type' => 'flatfile', 'directory' => '{In("metadata")}']]];
        """;

    private string In(string name) => Path.Combine(_folder, name);

    private void Write(string name, string text) => File.WriteAllText(In(name), text);

    // PHP's server takes no port 0: a port that was free a moment ago usually still is, and another is tried if not.
    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
