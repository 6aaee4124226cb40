import { X509Certificate } from 'node:crypto';
import type { Parsed } from './kinds.ts';

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]*-----/g;

/** The certificates in a text, each in PEM form; what stands between them is not looked at. */
export const pemCertificates = (text: string): readonly string[] => text.match(CERTIFICATE) ?? [];

/** Those of a file of certificate authorities, each of them readable. */
export function parseAuthorities(text: string): Parsed<readonly string[]> {
  const blocks = pemCertificates(text);
  if (blocks.length === 0) {
    return {
      ok: false,
      problem: 'holds no certificate in PEM form, between BEGIN CERTIFICATE and END CERTIFICATE',
    };
  }
  const bad = blocks.findIndex((block) => !isCertificate(block));
  if (bad === -1) return { ok: true, value: blocks };
  return {
    ok: false,
    problem: `holds a certificate that cannot be read, number ${bad + 1} of ${blocks.length}`,
  };
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).serialNumber !== '';
  } catch {
    return false;
  }
}
