import { alertValues } from './alert-values.ts';
import { exporterConfig } from './exporter-config.ts';
import { duration, flag, list, name, object, text, texts } from './json-schema.ts';
import type { JsonSchema } from './json-schema.ts';
import { kubernetesTypes } from './kubernetes-types.ts';

const count: JsonSchema = { type: 'integer', minimum: 0 };
const port: JsonSchema = { type: 'integer', minimum: 1, maximum: 65535 };
const optionalPort: JsonSchema = { ...port, minimum: 0 };
const secretKey: JsonSchema = { type: 'string', pattern: '^[-._a-zA-Z0-9]+$' };
const accountId: JsonSchema = { type: 'string', pattern: '^[0-9a-fA-F]{32}$' };
const apiTokenSecret: JsonSchema = object({ name, key: secretKey }, ['name', 'key']);
const budgetGroup: JsonSchema = { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' };
/** If empty, Prometheus' default. */
const durationOrNone: JsonSchema = { ...duration, minLength: 0 };
const countOrPercentage: JsonSchema = { type: ['integer', 'string'] };

/** The schema of values.yaml. Helm refuses values that it does not describe. */
export function valuesSchema(): JsonSchema {
  const types = kubernetesTypes();
  const core = (type: string): JsonSchema => types.ref(`kubernetes-models/v1/${type}`);
  const apps = (type: string): JsonSchema => types.ref(`kubernetes-models/apps/v1/${type}`);
  const networking = (type: string): JsonSchema =>
    types.ref(`kubernetes-models/networking.k8s.io/v1/${type}`);
  const operator = (type: string): JsonSchema =>
    types.ref(`@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/${type}`);

  const monitor = (endpoint: string): Readonly<Record<string, JsonSchema>> => ({
    enabled: flag,
    namespace: text,
    labels: texts,
    annotations: texts,
    jobLabel: text,
    podTargetLabels: list(text),
    sampleLimit: count,
    labelLimit: count,
    labelNameLengthLimit: count,
    labelValueLengthLimit: count,
    interval: durationOrNone,
    scrapeTimeout: durationOrNone,
    relabelings: list(operator('RelabelConfig')),
    metricRelabelings: list(operator('RelabelConfig')),
    endpoint: operator(endpoint),
  });

  const values: Readonly<Record<string, JsonSchema>> = {
    // A parent chart's condition, which Helm reads before anything is validated: what is off is not
    // rendered.
    enabled: { description: 'For the condition of a parent chart.', const: true },
    // Holds what the parent chart and its other subcharts put there.
    global: {
      type: 'object',
      properties: {
        imageRegistry: text,
        imagePullSecrets: list({
          type: ['string', 'object'],
          properties: { name },
          additionalProperties: false,
        }),
      },
    },
    accounts: list(object({ id: accountId, name: text, apiTokenSecret, budgetGroup }, ['id'])),
    tokens: list(object({ apiTokenSecret, accounts: list(accountId), budgetGroup }, ['apiTokenSecret'])),
    apiToken: object({ existingSecret: text, existingSecretKey: secretKey, value: text }),
    config: exporterConfig(),
    proxy: object({
      url: text,
      existingSecret: text,
      existingSecretKey: secretKey,
      port: optionalPort,
      noProxy: text,
    }),
    caFile: object({ configMap: text, existingSecret: text, key: secretKey }),
    webConfig: object({ existingSecret: text, existingSecretKey: secretKey, https: flag }),
    image: object({
      registry: text,
      repository: name,
      tag: text,
      digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
      pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
    }),
    imagePullSecrets: list(object({ name }, ['name'])),
    nameOverride: text,
    fullnameOverride: text,
    namespaceOverride: text,
    commonLabels: texts,
    commonAnnotations: texts,
    replicas: count,
    shards: { type: 'integer', minimum: 1 },
    strategy: apps('DeploymentStrategy'),
    updateStrategy: apps('StatefulSetUpdateStrategy'),
    revisionHistoryLimit: count,
    annotations: texts,
    labels: texts,
    configMapAnnotations: texts,
    secretAnnotations: texts,
    extraArgs: list(text),
    extraEnv: list(core('EnvVar')),
    envFrom: list(core('EnvFromSource')),
    extraVolumes: list(core('Volume')),
    extraVolumeMounts: list(core('VolumeMount')),
    initContainers: list(core('Container')),
    extraContainers: list(core('Container')),
    extraManifests: list({ type: ['object', 'string'] }),
    resources: core('ResourceRequirements'),
    livenessProbe: core('Probe'),
    readinessProbe: core('Probe'),
    startupProbe: core('Probe'),
    terminationGracePeriodSeconds: count,
    podSecurityContext: core('PodSecurityContext'),
    securityContext: core('SecurityContext'),
    podAnnotations: texts,
    podLabels: texts,
    nodeSelector: texts,
    tolerations: list(core('Toleration')),
    affinity: core('Affinity'),
    topologySpreadConstraints: list(core('TopologySpreadConstraint')),
    priorityClassName: text,
    runtimeClassName: text,
    hostNetwork: flag,
    hostAliases: list(core('HostAlias')),
    dnsPolicy: { enum: ['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'] },
    dnsConfig: core('PodDNSConfig'),
    serviceAccount: object({
      create: flag,
      name: text,
      annotations: texts,
      automountServiceAccountToken: flag,
    }),
    service: object({
      type: { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
      port,
      nodePort: optionalPort,
      clusterIP: text,
      loadBalancerIP: text,
      loadBalancerClass: text,
      loadBalancerSourceRanges: list(text),
      externalTrafficPolicy: { enum: ['', 'Cluster', 'Local'] },
      ipDualStack: object({
        enabled: flag,
        ipFamilies: list({ enum: ['IPv4', 'IPv6'] }),
        ipFamilyPolicy: { enum: ['SingleStack', 'PreferDualStack', 'RequireDualStack'] },
      }),
      annotations: texts,
      labels: texts,
    }),
    networkPolicy: object({
      enabled: flag,
      annotations: texts,
      ingressFrom: list(networking('NetworkPolicyPeer')),
      egressTo: list(networking('NetworkPolicyPeer')),
      egressPorts: list(port),
      proxyTo: list(networking('NetworkPolicyPeer')),
      extraIngress: list(networking('NetworkPolicyIngressRule')),
      extraEgress: list(networking('NetworkPolicyEgressRule')),
    }),
    podDisruptionBudget: object({
      enabled: flag,
      maxUnavailable: countOrPercentage,
      minAvailable: countOrPercentage,
      annotations: texts,
    }),
    serviceMonitor: object({ ...monitor('Endpoint'), targetLabels: list(text) }),
    podMonitor: object(monitor('PodMetricsEndpoint')),
    prometheusRule: object({
      enabled: flag,
      namespace: text,
      labels: texts,
      annotations: texts,
      additionalRuleLabels: texts,
      additionalRuleAnnotations: texts,
      links: object({
        dashboards: { type: 'string', pattern: '^$|^https?://.*[^/]$' },
        runbooks: { type: 'string', pattern: '^https?://.*[^/]$' },
      }),
      alerts: alertValues(),
    }),
    dashboards: object({
      enabled: flag,
      namespace: text,
      labels: texts,
      annotations: texts,
      label: name,
      labelValue: text,
      folderAnnotation: name,
      folder: text,
    }),
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart cloudflare-tunnel-exporter',
    ...object(values),
    definitions: types.definitions,
  };
}
