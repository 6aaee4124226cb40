import { X509Certificate } from 'node:crypto';
import { readText } from './files.ts';
import type { Parsed } from './kinds.ts';
import { quotePath } from './quote.ts';
import type { Context } from './resolve.ts';

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]*-----/g;

/** Returns the certificates in a text, each in PEM form. Ignores what stands between them. */
export const pemCertificates = (text: string): readonly string[] => text.match(CERTIFICATE) ?? [];

/** Returns the certificates of `--cloudflare.ca-file` in PEM form; none if it is not given. */
export function authoritiesOf({ settings: { caFile }, readFile, report }: Context): readonly string[] {
  const { value: path, location } = caFile;
  if (path === undefined) return [];
  const text = readText(path, readFile);
  if (!text.ok) {
    report.problem(`${location}: ${text.problem}`);
    return [];
  }
  const parsed = parseAuthorities(text.value);
  if (parsed.ok) return parsed.value;
  report.problem(`${location}: ${quotePath(path)} ${parsed.problem}`);
  return [];
}

function parseAuthorities(text: string): Parsed<readonly string[]> {
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
