import type { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** What the server does about a client's certificate. */
export interface ClientAuth {
  readonly request: boolean;
  readonly require: boolean;
  readonly verify: boolean;
}

export interface ClientPolicy {
  readonly clientAuth: ClientAuth;
  /** One of these must be among the certificate's subject alternative names, where there are any. */
  readonly allowedSans: ReadonlySet<string> | undefined;
}

/** Why a client that has shaken hands must go, or `undefined`. */
export function clientRefusal(
  socket: TLSSocket,
  { clientAuth, allowedSans }: ClientPolicy,
): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return clientAuth.require ? 'the client gave no certificate' : undefined;
  // node's types say Error; it is the code.
  if (clientAuth.verify && !socket.authorized)
    return `the client's certificate does not verify: ${String(socket.authorizationError)}`;
  if (allowedSans && !sansOf(certificate).some((san) => allowedSans.has(san)))
    return "the client's certificate has none of client_allowed_sans";
  return undefined;
}

/** Host names, addresses, e-mail addresses and URIs; node quotes a value that could be taken for two. */
export function sansOf({ subjectAltName = '' }: Pick<X509Certificate, 'subjectAltName'>): readonly string[] {
  const names = subjectAltName.matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy);
  return [...names].flatMap(([, type = '', value = '']) =>
    COMPARED.has(type) ? [sanText(value.startsWith('"') ? String(JSON.parse(value)) : value)] : [],
  );
}

const COMPARED: ReadonlySet<string> = new Set(['DNS', 'IP Address', 'email', 'URI']);

/** IPv6 addresses in their one short form: certificates, node and people write them differently. */
export function sanText(san: string): string {
  return isIPv6(san) ? (URL.parse(`http://[${san}]`)?.hostname.slice(1, -1) ?? san) : san;
}
