// An authorization server that Tieline's authors did not write, with a ledger of what it saw.
//
//   node server.mjs [--redirect-uri URI]... [--access-token-ttl SECONDS]
//
// It binds a free port of 127.0.0.1 and writes one JSON object a line to stdout: first
// {"event":"ready","issuer":…,"port":…,"clients":[…]}, then one line per event, before the answer that
// caused it is sent. Tokens appear as their SHA-256 (hex) only. A line of text on stdin comes back as
// {"event":"mark","text":…}, after everything logged so far, and a line that is a redirect URI is registered first; when
// stdin closes, the server exits.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import Provider from 'oidc-provider';

const { values: options } = parseArgs({
  options: {
    'redirect-uri': { type: 'string', multiple: true, default: ['http://127.0.0.1:8917/callback'] },
    'access-token-ttl': { type: 'string', default: '3600' },
  },
});
const accessTokenTtl = Number(options['access-token-ttl']);
if (!Number.isInteger(accessTokenTtl) || accessTokenTtl < 1) {
  throw new Error(`--access-token-ttl must be a whole number of seconds, not "${options['access-token-ttl']}"`);
}

// The library writes notices to stdout, which belongs to the ledger.
console.info = console.error;

const log = (event, details = {}) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);
const sha256 = (value) => (value === undefined ? undefined : createHash('sha256').update(value).digest('hex'));

// Secrets with characters that Basic must form-encode first (RFC 6749, section 2.3.1).
const clients = ['client_secret_basic', 'client_secret_post'].map((method) => ({
  client_id: `tieline:${method}`,
  client_secret: `a secret of+${method}, 100%: /?&=`,
  token_endpoint_auth_method: method,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: options['redirect-uri'],
}));

// The issuer contains the port, so the port comes first.
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients,
  cookies: { keys: ['cookies of a server that lives as long as one test'] },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access'],
  ttl: {
    AccessToken: accessTokenTtl,
    AuthorizationCode: 60,
    Grant: 86400,
    IdToken: 3600,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 86400,
  },
});

// What the client asked for at the token, revocation and introspection endpoints, and how it authenticated.
const request = (ctx) => ({
  client_id: ctx.oidc.client?.clientId,
  authorization_header: ctx.get('authorization') !== '',
  grant_type: ctx.oidc.body?.grant_type,
  refresh_token: sha256(ctx.oidc.body?.refresh_token),
  token: sha256(ctx.oidc.body?.token),
});
const refusal = (error) => ({
  error: error.message,
  error_description: error.error_description,
  error_detail: error.error_detail,
});

provider.on('authorization.success', (ctx) => log('authorization.success', { client_id: ctx.oidc.client.clientId }));
provider.on('authorization.error', (ctx, error) => log('authorization.error', refusal(error)));
provider.on('grant.success', (ctx) => log('grant.success', {
  ...request(ctx),
  issued_access_token: sha256(ctx.body.access_token),
  issued_refresh_token: sha256(ctx.body.refresh_token),
}));
provider.on('grant.error', (ctx, error) => {
  const reused = ctx.oidc.body?.grant_type === 'refresh_token' && error.error_detail === 'refresh token already used';
  if (reused) log('refresh_token.reused', request(ctx));
  log('grant.error', { ...request(ctx), ...refusal(error) });
});
provider.on('grant.revoked', (ctx, grantId) => log('grant.revoked', { grant_id: grantId }));
provider.on('refresh_token.consumed', (token) => log('refresh_token.consumed', { refresh_token: sha256(token.jti) }));
provider.on('server_error', (ctx, error) => log('server_error', { error: String(error) }));
for (const endpoint of ['revocation', 'introspection', 'userinfo']) {
  provider.on(`${endpoint}.error`, (ctx, error) => log(`${endpoint}.error`, { ...request(ctx), ...refusal(error) }));
}

// As the operator of a server does in its settings.
async function register(redirectUri) {
  for (const { client_id } of clients) (await provider.Client.find(client_id)).redirectUris.push(redirectUri);
}

// Events that the library has no name for.
provider.use(async (ctx, next) => {
  if (ctx.path === '/auth') {
    const { client_id, redirect_uri, scope, prompt, code_challenge_method } = ctx.query;
    log('authorization.started', { client_id, redirect_uri, scope, prompt, code_challenge_method });
  }
  await next();
  const { route } = ctx.oidc ?? {};
  if (['revocation', 'introspection', 'userinfo'].includes(route) && ctx.status === 200) {
    log(`${route}.success`, request(ctx));
  }
});

createInterface({ input: process.stdin })
  .on('line', async (text) => {
    if (text.includes('://')) await register(text);
    log('mark', { text });
  })
  .on('close', () => process.exit(0));

server.on('request', provider.callback());
log('ready', {
  issuer,
  port,
  clients: clients.map(({ client_id, client_secret, token_endpoint_auth_method }) => ({ client_id, client_secret, token_endpoint_auth_method })),
});
