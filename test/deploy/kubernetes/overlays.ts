import { join } from 'node:path';
import { kubectl } from './kubectl-layer.ts';
import { readObjects } from './objects.ts';
import type { KubernetesObject } from './objects.ts';

export const FOLDER = 'deploy/kubernetes';

export function renderOverlay(name: string): readonly KubernetesObject[] {
  return readObjects(kubectl(['kustomize', join(FOLDER, 'overlays', name)]));
}
