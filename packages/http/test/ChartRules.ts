/** The rules for the chart's rendered documents. Each rule lists what is wrong; an empty list means valid. */
import { declarations } from "@btc-price/adapters/settings/SettingDeclarations"
import * as Yaml from "effect/encoding/Yaml"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const Name = Schema.NonEmptyString
const Labels = Schema.Record(Schema.String, Schema.String)
const Quantities = Schema.StructWithRest(Schema.Struct({ memory: Name }), [
  Schema.Record(Schema.String, Schema.String),
])
const Probe = Schema.Struct({
  httpGet: Schema.Struct({ path: Name, port: Name }),
  periodSeconds: Schema.Int,
  timeoutSeconds: Schema.optionalKey(Schema.Int),
  failureThreshold: Schema.optionalKey(Schema.Int),
})
const Variable = Schema.Struct({
  name: Name,
  value: Schema.optionalKey(Name),
  valueFrom: Schema.optionalKey(
    Schema.Struct({
      secretKeyRef: Schema.Struct({ name: Name, key: Name, optional: Schema.optionalKey(Schema.Boolean) }),
    }),
  ),
})

/** Exactly what Pod Security "restricted" requires, a read-only root file system, limits and probes. */
const Container = Schema.Struct({
  name: Schema.Literals(["api", "worker"]),
  image: Name,
  imagePullPolicy: Name,
  command: Schema.Array(Name),
  ports: Schema.Array(Schema.Struct({ name: Name, containerPort: Schema.Int })),
  env: Schema.Array(Variable),
  securityContext: Schema.Struct({
    allowPrivilegeEscalation: Schema.Literal(false),
    readOnlyRootFilesystem: Schema.Literal(true),
    capabilities: Schema.Struct({ drop: Schema.Tuple([Schema.Literal("ALL")]) }),
  }),
  resources: Schema.Struct({ requests: Quantities, limits: Quantities }),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
  volumeMounts: Schema.optionalKey(
    Schema.Array(Schema.Struct({ name: Name, mountPath: Name, readOnly: Schema.Literal(true) })),
  ),
})
const Volume = Schema.Union([
  Schema.Struct({
    name: Name,
    configMap: Schema.Struct({ name: Name, items: Schema.Array(Schema.Struct({ key: Name, path: Name })) }),
  }),
  Schema.Struct({ name: Name, secret: Schema.Struct({ secretName: Name }) }),
  Schema.Struct({
    name: Name,
    projected: Schema.Struct({
      sources: Schema.Tuple([
        Schema.Struct({
          serviceAccountToken: Schema.Struct({ audience: Name, expirationSeconds: Schema.Int, path: Name }),
        }),
      ]),
    }),
  }),
])
const Pod = Schema.Struct({
  serviceAccountName: Schema.optionalKey(Name),
  automountServiceAccountToken: Schema.Literal(false),
  enableServiceLinks: Schema.Literal(false),
  terminationGracePeriodSeconds: Schema.Int,
  imagePullSecrets: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Name }))),
  securityContext: Schema.Struct({
    runAsNonRoot: Schema.Literal(true),
    runAsUser: Schema.Literal(1000),
    runAsGroup: Schema.Literal(1000),
    seccompProfile: Schema.Struct({ type: Schema.Literal("RuntimeDefault") }),
  }),
  containers: Schema.Tuple([Container]),
  volumes: Schema.optionalKey(Schema.Array(Volume)),
})
const Deployment = Schema.Struct({
  kind: Schema.Literal("Deployment"),
  apiVersion: Schema.Literal("apps/v1"),
  metadata: Schema.Struct({ name: Name, labels: Labels }),
  spec: Schema.Struct({
    replicas: Schema.Int,
    selector: Schema.Struct({ matchLabels: Labels }),
    template: Schema.Struct({ metadata: Schema.Struct({ labels: Labels }), spec: Pod }),
  }),
})
const Service = Schema.Struct({
  kind: Schema.Literal("Service"),
  apiVersion: Schema.Literal("v1"),
  metadata: Schema.Struct({ name: Name, labels: Labels }),
  spec: Schema.Struct({
    type: Name,
    selector: Labels,
    ports: Schema.Array(Schema.Struct({ name: Name, port: Schema.Int, targetPort: Name })),
  }),
})
const Documents = Schema.Tuple([Service, Deployment, Deployment])

export type Deployment = typeof Deployment.Type
export type Variable = typeof Variable.Type

/** The Service and the Deployments of the API and the worker. Throws, with the path, if a field is not as above. */
export const parse = (rendered: string): typeof Documents.Type =>
  Schema.decodeUnknownSync(Documents)(
    rendered
      .split(/^---$/m)
      .slice(1)
      .map((text) => Yaml.parse(text)),
    { errors: "all", onExcessProperty: "error" },
  )

/** Everything that is wrong with the documents. */
export const problems = ([service, ...deployments]: typeof Documents.Type): ReadonlyArray<string> => [
  ...deployments.flatMap(deploymentProblems),
  ...serviceProblems(service, deployments),
]

const deploymentProblems = ({ spec: { selector, template } }: Deployment): ReadonlyArray<string> => {
  const [container] = template.spec.containers
  const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe]
  return [
    ...(matches(selector.matchLabels, template.metadata.labels)
      ? []
      : ["the selector does not match the pods"]),
    ...probes
      .filter(({ httpGet: { port } }) => !container.ports.some(({ name }) => name === port))
      .map(({ httpGet: { port } }) => `a probe asks port ${port}, which the container does not have`),
    ...container.env.flatMap(variableProblems),
    ...Object.entries<{ readonly neededBy?: ReadonlyArray<string> }>(declarations)
      .filter(([, { neededBy }]) => neededBy?.includes(container.name === "api" ? "http" : "worker"))
      .filter(([name]) => !container.env.some((variable) => variable.name === name))
      .map(([name]) => `${name} is needed and not set`),
  ].map((problem) => `${container.name}: ${problem}`)
}

const variableProblems = (
  { name, value, valueFrom }: Variable,
  index: number,
  all: ReadonlyArray<Variable>,
) => [
  ...(isSetting(name) ? [] : [`${name} is not a setting`]),
  ...(all.findIndex((other) => other.name === name) === index ? [] : [`${name} is set twice`]),
  ...((value === undefined) === (valueFrom === undefined) ? [`${name} needs exactly one value`] : []),
  ...(value !== undefined && isSetting(name) && isSecret(name, value) ? [`${name} is a secret, inline`] : []),
]

const serviceProblems = (
  { spec: { selector, ports } }: typeof Service.Type,
  deployments: ReadonlyArray<Deployment>,
): ReadonlyArray<string> => {
  const selected = deployments.filter(({ spec }) => matches(selector, spec.template.metadata.labels))
  if (selected.length !== 1) return [`the Service selects ${selected.length} Deployments`]
  const containerPorts = selected.flatMap(({ spec }) => spec.template.spec.containers[0].ports)
  return ports
    .filter(({ targetPort }) => !containerPorts.some(({ name }) => name === targetPort))
    .map(({ targetPort }) => `the Service sends to port ${targetPort}, which the container does not have`)
}

const matches = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value)

const isSetting = (name: string): name is keyof typeof declarations => Object.hasOwn(declarations, name)

/** A setting is secret if the program redacts it. Some secrets are lists. */
const isSecret = (name: keyof typeof declarations, value: string) =>
  [Option.getOrUndefined(Schema.decodeUnknownOption(declarations[name].schema)(value))]
    .flat()
    .some(Redacted.isRedacted)
