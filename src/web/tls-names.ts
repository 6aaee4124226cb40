import type { SecureVersion } from 'node:tls';
import type { Choices } from './web-config-section.ts';

/** The format's words are those of Go's crypto/tls; here is what they are called in OpenSSL. */

const TOO_OLD = 'is not offered: OpenSSL refuses it at its usual security level; use TLS12 or TLS13';

export const VERSIONS: Choices<SecureVersion> = {
  known: new Map([
    ['TLS12', 'TLSv1.2'],
    ['TLS13', 'TLSv1.3'],
  ]),
  refused: new Map([
    ['TLS10', TOO_OLD],
    ['TLS11', TOO_OLD],
  ]),
};

const ECDHE_SUITES = ['ECDSA', 'RSA'].flatMap((signature): readonly (readonly [string, string])[] => [
  [`TLS_ECDHE_${signature}_WITH_AES_128_GCM_SHA256`, `ECDHE-${signature}-AES128-GCM-SHA256`],
  [`TLS_ECDHE_${signature}_WITH_AES_256_GCM_SHA384`, `ECDHE-${signature}-AES256-GCM-SHA384`],
  [`TLS_ECDHE_${signature}_WITH_CHACHA20_POLY1305_SHA256`, `ECDHE-${signature}-CHACHA20-POLY1305`],
  [`TLS_ECDHE_${signature}_WITH_AES_128_CBC_SHA`, `ECDHE-${signature}-AES128-SHA`],
  [`TLS_ECDHE_${signature}_WITH_AES_256_CBC_SHA`, `ECDHE-${signature}-AES256-SHA`],
]);

export const CIPHER_SUITES: Choices<string> = {
  known: new Map([
    ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'].map(
      (name) => [name, name] as const,
    ),
    ...ECDHE_SUITES,
  ]),
};

export const CURVES: Choices<string> = {
  known: new Map([
    ['CurveP256', 'P-256'],
    ['CurveP384', 'P-384'],
    ['CurveP521', 'P-521'],
    ['X25519', 'X25519'],
  ]),
};

/** What is asked of a client's certificate. */
export interface ClientAuth {
  readonly request: boolean;
  readonly require: boolean;
  readonly verify: boolean;
}

export const NO_CLIENT_CERT: ClientAuth = { request: false, require: false, verify: false };
const REQUIRE_ANY: ClientAuth = { request: true, require: true, verify: false };

export const CLIENT_AUTH_TYPES: Choices<ClientAuth> = {
  known: new Map([
    ['NoClientCert', NO_CLIENT_CERT],
    ['RequestClientCert', { request: true, require: false, verify: false }],
    ['RequireAnyClientCert', REQUIRE_ANY],
    // The toolkit's older word for the same.
    ['RequireClientCert', REQUIRE_ANY],
    ['VerifyClientCertIfGiven', { request: true, require: false, verify: true }],
    ['RequireAndVerifyClientCert', { request: true, require: true, verify: true }],
  ]),
};
