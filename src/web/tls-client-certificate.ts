import type { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Whether the server requests, requires and verifies a client's certificate. */
export interface ClientAuth {
  readonly request: boolean;
  readonly require: boolean;
  readonly verify: boolean;
}

export interface ClientPolicy {
  readonly clientAuth: ClientAuth;
  /** If given, the certificate must have one of these subject alternative names. */
  readonly allowedSans: ReadonlySet<string> | undefined;
}

/** Returns why to refuse a client after its TLS handshake, or undefined. */
export function clientRefusal(
  socket: TLSSocket,
  { clientAuth, allowedSans }: ClientPolicy,
): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return clientAuth.require ? 'the client gave no certificate' : undefined;
  // At run time it is the code of the error, although node's types say Error.
  if (clientAuth.verify && !socket.authorized)
    return `the client's certificate does not verify: ${String(socket.authorizationError)}`;
  if (allowedSans && !sansOf(certificate).some((san) => allowedSans.has(san)))
    return "the client's certificate has none of client_allowed_sans";
  return undefined;
}

/** Host names, addresses, e-mail addresses and URIs. Node quotes a value that contains a separator. */
export function sansOf({ subjectAltName = '' }: Pick<X509Certificate, 'subjectAltName'>): readonly string[] {
  const names = subjectAltName.matchAll(/([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy);
  return [...names].flatMap(([, type = '', value = '']) =>
    COMPARED.has(type) ? [sanText(value.startsWith('"') ? String(JSON.parse(value)) : value)] : [],
  );
}

const COMPARED: ReadonlySet<string> = new Set(['DNS', 'IP Address', 'email', 'URI']);

/** Puts IPv6 addresses into their canonical form, because certificates and configurations vary. */
export function sanText(san: string): string {
  return isIPv6(san) ? (URL.parse(`http://[${san}]`)?.hostname.slice(1, -1) ?? san) : san;
}
