import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { debianProgram } from '../../support/debian.ts';

export const openssl = debianProgram('openssl');

export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Issued {
  /** `name` is the common name and the base of the file names. `sans` are in openssl's form: `DNS:localhost`. */
  readonly issue: (name: string, options?: IssueOptions) => Issued;
  /** Valid from 2090 on. */
  readonly issueForTheFuture: (name: string, sans: readonly string[]) => Issued;
}

export interface IssueOptions {
  readonly sans?: readonly string[];
  /** Size of an RSA key. Default: a P-256 key. */
  readonly rsaBits?: number;
}

const P256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

const runOpenssl = (...args: readonly string[]): unknown =>
  execFileSync(openssl.command, args, { stdio: 'pipe' });

/** An empty folder that is removed when the test ends. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'exporter-web-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A new certificate authority with its files in the folder. */
export function anAuthority(folder: string, name = 'ca'): Authority {
  const config = join(folder, 'openssl.cnf');
  writeFileSync(config, '[req]\ndistinguished_name = dn\n[dn]\n');
  const make = (subject: string, extra: readonly string[], key = P256): Issued => {
    const certFile = join(folder, `${subject}.pem`);
    const keyFile = join(folder, `${subject}.key`);
    const args = [...key, '-nodes', '-subj', `/CN=${subject}`];
    runOpenssl('req', '-x509', '-config', config, ...args, '-keyout', keyFile, '-out', certFile, ...extra);
    return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  };
  const authority = make(name, ['-days', '2', '-addext', 'basicConstraints=critical,CA:TRUE']);
  return {
    ...authority,
    issue: (subject, { sans = [], rsaBits } = {}) => {
      const signed = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-days', '2'];
      const names = sans.length > 0 ? ['-addext', `subjectAltName=${sans.join(',')}`] : [];
      const extra = [...signed, '-addext', 'basicConstraints=CA:FALSE', ...names];
      return make(subject, extra, rsaBits === undefined ? P256 : ['-newkey', `rsa:${rsaBits}`]);
    },
    issueForTheFuture: (subject, sans) => {
      const [requestFile, certFile, keyFile] = [
        join(folder, `${subject}.csr`),
        join(folder, `${subject}.pem`),
        join(folder, `${subject}.key`),
      ];
      runOpenssl(
        'req',
        '-new',
        '-config',
        config,
        ...P256,
        '-nodes',
        '-subj',
        `/CN=${subject}`,
        '-keyout',
        keyFile,
        '-out',
        requestFile,
      );
      // Only `openssl ca` accepts a start date, and it needs a database.
      const database = join(folder, 'database');
      writeFileSync(database, '');
      const section = `[ca]\ndefault_ca = own\n[own]\ndatabase = ${database}\nnew_certs_dir = ${folder}\nrand_serial = yes\ndefault_md = sha256\npolicy = any\nx509_extensions = names\n[any]\ncommonName = supplied\n[names]\nsubjectAltName = ${sans.join(',')}\n`;
      const caConfig = join(folder, 'ca.cnf');
      writeFileSync(caConfig, section);
      const validity = ['-startdate', '20900101000000Z', '-enddate', '20910101000000Z'];
      runOpenssl(
        'ca',
        '-batch',
        '-notext',
        '-config',
        caConfig,
        ...validity,
        '-cert',
        authority.certFile,
        '-keyfile',
        authority.keyFile,
        '-in',
        requestFile,
        '-out',
        certFile,
      );
      return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    },
  };
}
