// A real OpenID provider on loopback, for the tests: client credentials with JWT access tokens (RFC 9068), and the
// authorization code flow with PKCE for people at the console.
// usage: node server.mjs [port] [redirect-uri]
// port 0, the default, picks a free one; with a redirect URI people can sign in there, as any name below, by any password
// Prints one line of JSON, {"issuer":"http://127.0.0.1:<port>"}, when it is ready, and ends when standard input does.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2] ?? 0);
const redirectUri = process.argv[3];

const people = {
  olga: { groups: ['policy-admins', 'finance-leads'], kind: 'human' },
  carol: { groups: ['finance-leads', 'policy-approvers'], kind: 'human' },
  robo: { groups: ['finance-leads'], kind: 'agent' },
};

// The claims of a client's tokens are kept with the client; oidc-provider hands them to extraTokenClaims.
const client = (id, claims) => ({
  client_id: id,
  client_secret: `${id}-secret`,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_basic',
  ...claims,
});

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signingKey = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'integration' };

const configuration = {
  clients: [
    client('ci', { groups: ['ci'], kind: 'ci', actor: 'dave' }),
    client('alice', { groups: ['support'], kind: 'human' }),
    client('olga', people.olga),
    // The same person as the account of that name, in fewer groups than the account says.
    client('carol', { groups: ['finance-leads'], kind: 'human' }),
    ...(redirectUri ? [{
      client_id: 'console',
      client_secret: 'console-secret-of-32-characters-',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'client_secret_basic',
    }] : []),
  ],
  claims: { openid: ['sub', 'groups', 'kind'] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => (people[id] ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined),
  pkce: { required: () => true },
  clientDefaults: { id_token_signed_response_alg: 'RS256' },
  cookies: { keys: ['loopback-only'] },
  extraClientMetadata: { properties: ['groups', 'kind', 'actor'] },
  extraTokenClaims(context) {
    const { groups, kind, actor } = context.oidc.client;
    return { groups, kind, ...(actor ? { actor } : {}) };
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: Boolean(redirectUri) },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:countersign:gateway',
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'call',
        audience: 'gateway',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  jwks: { keys: [signingKey] },
};

const server = createServer();
server.listen(port, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  provider.on('server_error', (_, fault) => console.error(fault));
  server.on('request', provider.callback());
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});

// The test holds our standard input: when it is gone, so are we, and no provider is left behind.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
