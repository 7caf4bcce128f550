// The provider that the tests of identity ask: npm's oidc-provider, with two clients, two people and
// keys in a file, which is made if it is not there. Prints its port when it can be asked.
//
//   OIDC_PROVIDER=folder-of-node_modules node provider.mjs PORT KEYS ALGORITHM
//
// POST /_sign {"header", "claims", "secret"} signs whatever a test wants signed, with the provider's
// own key or with a secret: what no honest provider would.
import {
  constants, createHmac, createPrivateKey, generateKeyPair, randomUUID, sign,
} from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

// It tells a lot about what production would need, to whom nobody listens.
for (const way of ['info', 'warn']) console[way] = () => {};
const modules = `${process.env.OIDC_PROVIDER}/node_modules`;
const { default: Provider } = await import(`${modules}/oidc-provider/lib/index.js`);
const [port, keys, algorithm] = process.argv.slice(2);

const MADE = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};
if (!existsSync(keys)) {
  // By way of PEM: Node 20 may stand still when it exports a key that it has just made.
  const [type, options] = MADE[algorithm];
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' };
  const publicKeyEncoding = { type: 'spki', format: 'pem' };
  const made = { ...options, privateKeyEncoding, publicKeyEncoding };
  const { privateKey } = await promisify(generateKeyPair)(type, made);
  const jwk = createPrivateKey(privateKey).export({ format: 'jwk' });
  const key = { ...jwk, kid: randomUUID(), alg: algorithm, use: 'sig' };
  writeFileSync(keys, JSON.stringify({ keys: [key] }));
}
const jwks = JSON.parse(readFileSync(keys, 'utf8'));
const [own] = jwks.keys;

const HOW = {
  RS256: { digest: 'sha256', options: {} },
  PS256: {
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  },
  ES256: { digest: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { digest: null, options: {} },
};
function signed({ header, claims, secret }) {
  const part = (it) => Buffer.from(JSON.stringify(it)).toString('base64url');
  const whole = { alg: algorithm, typ: 'at+jwt', kid: own.kid, ...header };
  const text = `${part(whole)}.${part(claims)}`;
  const key = createPrivateKey({ key: own, format: 'jwk' });
  const { digest, options } = HOW[algorithm];
  const signature = secret === undefined
    ? sign(digest, Buffer.from(text), { key, ...options })
    : createHmac('sha256', Buffer.from(secret, 'base64')).update(text).digest();
  return `${text}.${signature.toString('base64url')}`;
}

const ROLES = { alice: ['shop-clerk', 'unheard-of'], bob: [], storefront: ['storefront'] };
const REDIRECT = 'http://127.0.0.1:9/cb';
const settings = {
  jwks,
  clients: [
    {
      client_id: 'console',
      client_secret: 's3cret',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: algorithm,
    },
    {
      client_id: 'storefront',
      client_secret: 's3cret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: algorithm,
    },
  ],
  scopes: ['openid', 'offline_access', 'commerce'],
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:commerce',
      useGrantedResource: () => true,
      getResourceServerInfo: (_, audience) => ({
        scope: 'commerce',
        audience,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: algorithm } },
      }),
    },
  },
  enabledJWA: { idTokenSigningAlgValues: [algorithm], userinfoSigningAlgValues: [algorithm] },
  extraTokenClaims: (_, token) => ({ roles: ROLES[token.accountId ?? token.clientId] }),
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
};

const server = createServer();
server.listen(Number(port), '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, settings);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url !== '/_sign') return answer(request, response);
    let body = '';
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => response.end(signed(JSON.parse(body))));
    return undefined;
  });
  console.log(`port ${port}`);
});
