import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The two kinds of base image, made of this machine's own files: no registry is asked. */
export type StandIn = 'build' | 'runtime';

/**
 * `build` is what node:24-slim is to the Dockerfile: Node, npm, a shell. `runtime` is distroless:
 * Node in /nodejs/bin, the libraries that it needs, and nothing else that could be run.
 */
export function standInFiles(kind: StandIn, folder: string): void {
  for (const path of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'root'])
    mkdirSync(join(folder, path), { recursive: true });
  for (const path of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${path}`, join(folder, path));
  mkdirSync(join(folder, 'tmp'), { mode: 0o1777 });
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');

  const node = kind === 'build' ? '/usr/local/bin/node' : '/nodejs/bin/node';
  addProgram(process.execPath, { root: folder, to: node });
  if (kind === 'runtime') return;

  for (const program of ['/usr/bin/sh', '/usr/bin/env']) addProgram(program, { root: folder, to: program });
  const modules = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  cpSync(join(modules, 'npm'), join(folder, 'usr/local/lib/npm'), { recursive: true, dereference: true });
  symlinkSync('../lib/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'));
}

/** Parts of glibc that native modules load and Node itself does not. */
const GLIBC = ['librt.so.1', 'libresolv.so.2'];

/** A program with the shared libraries that it loads, each where the loader looks for it. */
function addProgram(program: string, { root, to }: { readonly root: string; readonly to: string }): void {
  const linked = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  const libc = linked.filter((library) => library.includes('/libc.so'));
  const unlinked = libc.flatMap((library) => GLIBC.map((name) => join(dirname(library), name)));
  copyInto(root, { from: program, to });
  for (const library of [...linked, ...unlinked]) copyInto(root, { from: library, to: library });
}

function copyInto(root: string, { from, to }: { readonly from: string; readonly to: string }): void {
  const target = join(root, to);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(realpathSync(from), target);
}
