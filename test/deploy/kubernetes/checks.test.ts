import { describe, expect, test } from 'vitest';
import { readObjects } from './objects.ts';
import type { PodSpec } from './objects.ts';
import { hardeningGaps, restrictedViolations } from './pod-security.ts';
import { refusals, TYPE_CHECK_MS } from './refusals.ts';

/** What the other tests rely on must be able to say no. */
describe('the checks of these tests', () => {
  test(
    'an unknown field, a wrong value and an unknown kind are refused',
    async () => {
      const found = await refusals(
        readObjects(
          [
            '{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}, template: {spec: {containers: [{name: a, imagePulPolicy: Always}]}}}}',
            '{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: http}]}}',
            '{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: a}, spec: {selector: {}, endpoints: [{scrapeInterval: 30s}]}}',
            '{apiVersion: v1, kind: Servise, metadata: {name: a}}',
          ].join('\n---\n'),
        ),
      );
      expect(found).toContainEqual(expect.stringMatching(/Deployment.*imagePulPolicy.*does not exist/));
      expect(found).toContainEqual(expect.stringMatching(/Service a: .*port/));
      expect(found).toContainEqual(expect.stringMatching(/ServiceMonitor.*scrapeInterval.*does not exist/));
      expect(found).toContainEqual(expect.stringMatching(/Servise a: no such kind/));
    },
    TYPE_CHECK_MS,
  );

  test('a Pod that says nothing violates the restricted standard, and so does each single lapse', () => {
    const context = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    };
    const amounts = { cpu: '1', memory: '1Mi' };
    const container = {
      name: 'a',
      image: 'a',
      securityContext: context,
      resources: { requests: amounts, limits: amounts },
    };
    const good: PodSpec = {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [container],
    };
    expect(restrictedViolations(good)).toEqual([]);
    expect(hardeningGaps(good)).toEqual([]);
    expect(restrictedViolations({ containers: [{ name: 'a', image: 'a' }] })).toEqual([
      'container a: allowPrivilegeEscalation',
      'container a: capabilities not dropped',
      'container a: runAsNonRoot',
      'container a: seccompProfile',
    ]);
    const init = { ...container, securityContext: { ...context, runAsUser: 0 } };
    expect(restrictedViolations({ ...good, initContainers: [init] })).toEqual(['container a: runAsUser 0']);
    expect(restrictedViolations({ ...good, volumes: [{ name: 'v', hostPath: { path: '/' } }] })).toEqual([
      'volume v: hostPath',
    ]);
    expect(hardeningGaps({ containers: [{ name: 'a', image: 'a' }] })).toHaveLength(6);
  });
});
