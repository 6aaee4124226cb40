import { expect, test } from 'vitest';
import { installNotice } from './debian.ts';

const MISSING = [
  { name: 'promtool', package: 'prometheus' },
  { name: 'prometheus', package: 'prometheus' },
  { name: 'podman', package: 'podman' },
];

test('says which programs are missing, what it installs as root and how to prevent it', () => {
  expect(installNotice(MISSING, undefined)).toBe(
    'Tests run programs that are not on this machine: promtool, prometheus, podman\n' +
      'Installing them as root: apt-get install prometheus podman (TEST_INSTALL=0 prevents this and skips those tests)\n',
  );
});

test('with TEST_INSTALL=0 says that nothing is installed', () => {
  expect(installNotice(MISSING, '0')).toMatch(
    /\nTEST_INSTALL=0: nothing is installed, .*: apt-get install prometheus podman\n$/,
  );
});
