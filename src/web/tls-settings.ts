import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { createSecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import { pemCertificates } from '../config/authorities.ts';
import { quotePath } from '../config/quote.ts';
import { readText, type ReadFile } from '../config/files.ts';
import { sanText, type ClientAuth, type ClientPolicy } from './tls-client-certificate.ts';
import type { Choices, Section } from './web-config-section.ts';

export interface TlsSettings extends ClientPolicy {
  /** Holds the private key. */
  readonly context: SecureContextOptions;
}

export const TLS_KEYS = [
  'cert',
  'cert_file',
  'key',
  'key_file',
  'client_ca',
  'client_ca_file',
  'client_auth_type',
  'client_allowed_sans',
  'min_version',
  'max_version',
  'cipher_suites',
  'prefer_server_cipher_suites',
  'curve_preferences',
] as const;

export interface PemOptions {
  /** Relative paths start here. */
  readonly folder: string;
  readonly readFile: ReadFile;
  /** Whether the file has no problem so far. */
  readonly isGood: () => boolean;
}

/** Returns undefined if the section is empty or has problems, which it reports. */
export function readTls(section: Section, options: PemOptions): TlsSettings | undefined {
  if (section.keys().length === 0) return undefined;
  const { isGood } = options;
  const pem = (name: PemName): Pem | undefined => readPem(section, name, options);
  const cert = pem('cert');
  const key = pem('key');
  const ca = pem('client_ca');
  const certificates = cert && certificatesOf(section, cert);
  if (ca) certificatesOf(section, ca);
  if (key) checkKey(section, { key, certificate: certificates?.[0] });

  const givenType = section.choice('client_auth_type', CLIENT_AUTH_TYPES);
  const clientAuth = givenType ?? NO_CLIENT_CERT;
  const allowedSans = section.list('client_allowed_sans')?.map(sanText);
  // An invalid type was reported already, and nothing is known about what it needs.
  if (givenType || section.text('client_auth_type') === undefined) {
    if (ca && !clientAuth.request)
      section.problem(ca.from, 'has no effect without client_auth_type; set e.g. RequireAndVerifyClientCert');
    if (clientAuth.verify && !isGiven(section, 'client_ca'))
      section.problem('client_auth_type', 'verifies certificates with client_ca_file, which is missing');
    if (allowedSans && !(clientAuth.require && clientAuth.verify))
      section.problem(
        'client_allowed_sans',
        'needs client_auth_type RequireAndVerifyClientCert: a certificate that is not verified can have any name',
      );
  }

  const minVersion = section.choice('min_version', VERSIONS) ?? 'TLSv1.2';
  const maxVersion = section.choice('max_version', VERSIONS) ?? 'TLSv1.3';
  if (minVersion > maxVersion) section.problem('min_version', 'is above max_version');
  const ciphers = section.choices('cipher_suites', CIPHER_SUITES) ?? [];
  if (maxVersion === 'TLSv1.2' && ciphers.length > 0 && ciphers.every((name) => name.startsWith('TLS_')))
    section.problem('cipher_suites', 'has none of TLS12, which max_version asks for');
  const curves = section.choices('curve_preferences', CURVES) ?? [];
  const honorCipherOrder = section.flag('prefer_server_cipher_suites') ?? true;
  if (!cert || !key || !isGood()) return undefined;
  const context: SecureContextOptions = {
    cert: cert.text,
    key: key.text,
    minVersion,
    maxVersion,
    honorCipherOrder,
    ...(ca ? { ca: ca.text } : {}),
    ...(ciphers.length > 0 ? { ciphers: ciphers.join(':') } : {}),
    ...(curves.length > 0 ? { ecdhCurve: curves.join(':') } : {}),
  };
  checkContext(section, context);
  return { context, clientAuth, allowedSans: allowedSans && new Set(allowedSans) };
}

type PemName = 'cert' | 'key' | 'client_ca';

interface Pem {
  /** The key of the file that it comes from. */
  readonly from: string;
  /** Its name in messages: the path, or `it` if the file holds the text itself. */
  readonly name: string;
  readonly text: string;
}

function isGiven(section: Section, name: PemName): boolean {
  return section.text(name) !== undefined || section.text(`${name}_file`) !== undefined;
}

function readPem(section: Section, name: PemName, { folder, readFile }: PemOptions): Pem | undefined {
  const inline = section.text(name);
  const file = section.text(`${name}_file`);
  if (inline !== undefined && file !== undefined)
    section.problem(name, `cannot be given together with ${name}_file; keep one`);
  if (inline !== undefined) return { from: name, name: 'it', text: inline };
  if (file === undefined) {
    if (name !== 'client_ca') section.problem(undefined, `${name}_file is missing`);
    return undefined;
  }
  const path = isAbsolute(file) ? file : join(folder, file);
  const read = readText(path, readFile);
  if (!read.ok) section.problem(`${name}_file`, read.problem);
  return read.ok ? { from: `${name}_file`, name: quotePath(path), text: read.value } : undefined;
}

function certificatesOf(section: Section, { from, name, text }: Pem): readonly X509Certificate[] {
  const blocks = pemCertificates(text);
  const certificates = blocks.map((block) => resultOf(() => new X509Certificate(block)));
  if (blocks.length === 0) section.problem(from, `${name} holds no certificate in PEM form`);
  else if (certificates.includes(undefined))
    section.problem(from, `${name} holds a certificate that cannot be read`);
  return certificates.filter((certificate) => certificate !== undefined);
}

/** The message of OpenSSL would not say which of the two files is wrong. */
function checkKey(
  section: Section,
  { key, certificate }: { readonly key: Pem; readonly certificate: X509Certificate | undefined },
): void {
  const privateKey = resultOf(() => createPrivateKey(key.text));
  if (!privateKey)
    section.problem(key.from, `${key.name} holds no private key in PEM form without a passphrase`);
  else if (certificate && resultOf(() => certificate.checkPrivateKey(privateKey)) !== true)
    section.problem(key.from, `${key.name} is not the key of the certificate`);
}

/** Reports what else OpenSSL rejects, such as a key that is too short. */
function checkContext(section: Section, context: SecureContextOptions): void {
  try {
    createSecureContext(context);
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? error.reason : error;
    section.problem(undefined, `OpenSSL rejects it: ${String(reason)}`);
  }
}

function resultOf<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

// The format has the names of Go's crypto/tls. These tables give those of OpenSSL.

const TOO_OLD = 'is not supported: OpenSSL refuses it at its default security level; use TLS12 or TLS13';

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

const NO_CLIENT_CERT: ClientAuth = { request: false, require: false, verify: false };
const REQUIRE_ANY: ClientAuth = { request: true, require: true, verify: false };

export const CLIENT_AUTH_TYPES: Choices<ClientAuth> = {
  known: new Map([
    ['NoClientCert', NO_CLIENT_CERT],
    ['RequestClientCert', { request: true, require: false, verify: false }],
    ['RequireAnyClientCert', REQUIRE_ANY],
    // An older name in exporter-toolkit.
    ['RequireClientCert', REQUIRE_ANY],
    ['VerifyClientCertIfGiven', { request: true, require: false, verify: true }],
    ['RequireAndVerifyClientCert', { request: true, require: true, verify: true }],
  ]),
};
