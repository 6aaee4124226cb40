import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export const UNIT = 'deploy/systemd/cloudflare-tunnel-exporter.service';

/**
 * The unit's SystemCallFilter as a seccomp profile, which container engines can apply without
 * systemd.
 */
export function seccompProfile(): string {
  const allowed = new Set(membersOf('@default'));
  for (const [, inverted, names = ''] of readFileSync(UNIT, 'utf8').matchAll(
    /^SystemCallFilter=(~?)(.+)$/gm,
  )) {
    for (const call of names.split(' ').flatMap(membersOf)) {
      if (inverted === '') allowed.add(call);
      else allowed.delete(call);
    }
  }
  return JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    syscalls: [{ names: [...allowed], action: 'SCMP_ACT_ALLOW' }],
  });
}

/** A set's system calls, those of the sets in it included. */
function membersOf(name: string): readonly string[] {
  if (!name.startsWith('@')) return [name];
  return execFileSync('systemd-analyze', ['syscall-filter', name], { encoding: 'utf8' })
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap(membersOf);
}
