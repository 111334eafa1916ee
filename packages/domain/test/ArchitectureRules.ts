/** The plan of the house: who may import whom, and what the sources may not use. */
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { posix } from "node:path"
import type { SourceFile } from "./SourceFile.ts"

export const root = new URL("../../../", import.meta.url)

const decodePackage = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ dependencies: Schema.Record(Schema.String, Schema.String) })),
)

/** The dependencies of each of our packages, from its package.json. */
const dependencies = new Map(
  readdirSync(new URL("packages", root)).map((name) => {
    const text = readFileSync(new URL(`packages/${name}/package.json`, root), "utf8")
    return [name, new Set(Object.keys(decodePackage(text).dependencies))]
  }),
)

const domain = "packages/domain/src/"
const adapters = "packages/adapters/src/"
const worker = "packages/worker/src/"
const http = "packages/http/src/"
const program = [domain, "effect/", "@effect/platform-node/"]

/** What it takes to run a program in a process. */
const running = ["EarlyStop", "NodeProgram"].map((name) => `${adapters}node/${name}.ts`)

/** The libraries that adapters are made of. */
const libraries = [...(dependencies.get("adapters") ?? [])].filter((name) => !name.startsWith("@btc-price/"))

/** Which sources may import what, by how paths and module names begin. The first line that fits a file decides. */
const arrows: ReadonlyArray<readonly [sources: string, may: ReadonlyArray<string>]> = [
  [domain, [domain, "effect/"]],
  [adapters, [adapters, domain, "node:", ...libraries]],
  // These three files choose the adapters, and nothing else does.
  [`${worker}WorkerProgram.ts`, [...program, worker, adapters]],
  [`${http}ProductionApi.ts`, [...program, http, adapters]],
  [`${http}embedded/EmbeddedProgram.ts`, [...program, http, adapters, worker]],
  // These three run a program: they know what its settings are and how a process runs.
  [`${worker}main.ts`, [...program, worker, ...running]],
  [`${http}main.ts`, [...program, http, ...running]],
  [`${http}embedded.ts`, [...program, http, ...running]],
  [worker, [...program, worker]],
  // The contract stands apart from the server, so that a client needs nothing else.
  [`${http}api/`, [`${http}api/`, domain, "effect/"]],
  [http, [...program, http]],
]

/** The folders that the other folders of their package may import: what all vendors, features and commands share. */
const shared = [`${adapters}vendor/`, `${http}api/`, `${http}server/`, `${worker}command-line/`]

/** What names several technologies, features or commands, by how paths begin. */
const compositions = [
  `${adapters}Vendors.ts`,
  `${adapters}settings/`,
  `${http}ApiServer.ts`,
  `${http}ApiProgram.ts`,
  `${http}embedded`,
  `${worker}WorkerCommand.ts`,
]

/** Folders that build on one other technology, and why. */
export const borrowed: Readonly<Record<string, string>> = {
  // Tokens issued in memory are verified by the same code as Cognito's.
  [`${adapters}memory/`]: `${adapters}cognito/`,
}

/** Each rule gives what is wrong with a file, a sentence each. */
export const rules = {
  "sources import along the arrows": (file) => {
    if (!isSource(file)) return []
    const may = arrows.find(([sources]) => file.path.startsWith(sources))?.[1] ?? []
    return file.imports
      .filter((name) => !may.some((start) => target(file, name).startsWith(start)))
      .map((name) => `may not import ${name}`)
  },

  "folders do not know one another": (file) => {
    const own = folderOf(file.path)
    if (own === undefined || compositions.some((start) => file.path.startsWith(start))) return []
    return file.imports
      .filter((name) => {
        const other = folderOf(target(file, name))
        return (
          other !== undefined &&
          packageOf(other) === packageOf(own) &&
          ![own, borrowed[own], ...shared].includes(other)
        )
      })
      .map((name) => `imports ${name}, which belongs to another folder`)
  },

  "the package.json lists what sources import": (file) =>
    file.imports
      .filter((name) => isSource(file) && !isRelative(name) && !name.startsWith("node:"))
      .filter((name) => dependencies.get(packageOf(file.path))?.has(dependencyOf(name)) !== true)
      .map((name) => `imports ${name}, which its package.json does not list`),

  "sources import other packages by name": (file) =>
    file.imports
      .filter((name) => isSource(file) && isRelative(name))
      .filter((name) => packageOf(target(file, name)) !== packageOf(file.path))
      .map((name) => `imports ${name} by its path, which a published package does not have`),

  "imports name modules, not barrels": ({ imports }) =>
    imports
      .filter((name) => ["effect", "@effect/platform-node", "@effect/sql-pg"].includes(name))
      .map((name) => `imports the barrel ${name}`),

  "relative imports end in .ts, and Node's modules begin with node:": ({ imports }) =>
    imports
      .filter((name) => (isRelative(name) ? !name.endsWith(".ts") : builtinModules.includes(name)))
      .map((name) => `writes the import ${name} in another way than the rest`),

  "files are named after the one noun in them": ({ path }) =>
    path
      .split("/")
      .filter((part) => /^(?:index|utils?|helpers?|types?|common)(?:\.|$)/i.test(part))
      .map((part) => `is called ${part}`),

  "sources export things of their own, by name": (file) => [
    ...(isSource(file) && file.hasDefaultExport ? ["has a default export"] : []),
    ...(isSource(file) && file.hasReexport ? ["exports what another file holds"] : []),
  ],

  "sources use Effect for waiting, failures, time, settings, logs and HTTP": (file) =>
    isSource(file)
      ? Array.from(file.foreign)
          // A program waits for its modules, because it handles signals before they are loaded.
          .filter((name) => name !== "await" || !file.path.endsWith("/src/main.ts"))
          .map((name) => `uses ${name}`)
      : [],
} satisfies Readonly<Record<string, (file: SourceFile) => ReadonlyArray<string>>>

/** The folder that a source is in, such as `packages/adapters/src/redis/`; undefined for the domain, which is one. */
export const folderOf = (path: string): string | undefined =>
  /^packages\/(?:adapters|http|worker)\/src\/(?:[^/]+\/)?/.exec(path)?.[0]

/** The path that a file of this repository is imported by; the name of any other module. */
export const target = ({ path }: SourceFile, name: string): string =>
  isRelative(name)
    ? posix.join(posix.dirname(path), name)
    : name.replace(/^@btc-price\/([^/]+)\/(.+)$/, "packages/$1/src/$2.ts")

const isSource = ({ path }: SourceFile): boolean => /^packages\/[^/]+\/src\//.test(path)

const isRelative = (name: string): boolean => name.startsWith(".")

/** Such as `domain`. */
const packageOf = (path: string): string => path.split("/")[1] ?? ""

/** `@effect/sql-pg` of `@effect/sql-pg/PgClient`. */
const dependencyOf = (name: string): string =>
  name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/")
