import { containersOf } from './objects.ts';
import type { Container, PodSpec } from './objects.ts';

const VOLUME_TYPES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const SECCOMP_TYPES = ['RuntimeDefault', 'Localhost'];

/**
 * What the restricted Pod Security Standard has against a Pod
 * (kubernetes.io/docs/concepts/security/pod-security-standards).
 */
export function restrictedViolations(pod: PodSpec): readonly string[] {
  return [
    ...when(pod.hostNetwork === true || pod.hostPID === true || pod.hostIPC === true, 'host namespaces'),
    ...when((pod.securityContext?.sysctls ?? []).length > 0, 'sysctls'),
    ...(pod.volumes ?? []).flatMap((volume) =>
      Object.keys(volume)
        .filter((key) => key !== 'name' && !VOLUME_TYPES.includes(key))
        .map((type) => `volume ${volume.name}: ${type}`),
    ),
    ...containersOf(pod).flatMap((container) =>
      ofContainer(container, pod).map((violation) => `container ${container.name}: ${violation}`),
    ),
  ];
}

function ofContainer({ securityContext: own = {}, ports = [] }: Container, pod: PodSpec): readonly string[] {
  const effective = { ...pod.securityContext, ...own };
  return [
    ...when(own.privileged === true, 'privileged'),
    ...when(own.allowPrivilegeEscalation !== false, 'allowPrivilegeEscalation'),
    ...when(own.capabilities?.drop?.includes('ALL') !== true, 'capabilities not dropped'),
    ...when(
      (own.capabilities?.add ?? []).some((name) => name !== 'NET_BIND_SERVICE'),
      'capabilities added',
    ),
    ...when(effective.runAsNonRoot !== true, 'runAsNonRoot'),
    ...when(effective.runAsUser === 0, 'runAsUser 0'),
    ...when(!SECCOMP_TYPES.includes(effective.seccompProfile?.type ?? ''), 'seccompProfile'),
    ...when((own.procMount ?? 'Default') !== 'Default', 'procMount'),
    ...when(
      ports.some(({ hostPort }) => hostPort !== undefined),
      'hostPort',
    ),
  ];
}

/** What this project asks for on top. */
export function hardeningGaps(pod: PodSpec): readonly string[] {
  return [
    ...when(pod.automountServiceAccountToken !== false, 'service account token'),
    ...containersOf(pod).flatMap((container) => {
      const { name, resources, securityContext, volumeMounts = [] } = container;
      return [
        ...when(securityContext?.readOnlyRootFilesystem !== true, 'writable root'),
        ...['cpu', 'memory'].flatMap((resource) => [
          ...when(resources?.requests?.[resource] === undefined, `no request of ${resource}`),
          ...when(resources?.limits?.[resource] === undefined, `no limit of ${resource}`),
        ]),
        ...volumeMounts.flatMap((mount) => [
          ...when(mount.subPath !== undefined, `${mount.name} by subPath`),
          ...when(mount.readOnly !== true, `${mount.name} writable`),
        ]),
      ].map((gap) => `container ${name}: ${gap}`);
    }),
  ];
}

function when(wrong: boolean, text: string): readonly string[] {
  return wrong ? [text] : [];
}
