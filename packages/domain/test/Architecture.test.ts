/** Every file keeps the rules of `ArchitectureRules.ts`, and each rule catches what breaks it. */
import { assert, describe, it } from "@effect/vitest"
import * as Struct from "effect/Struct"
import { globSync, readdirSync, readFileSync } from "node:fs"
import { borrowed, folderOf, root, rules, target } from "./ArchitectureRules.ts"
import * as SourceFile from "./SourceFile.ts"

type Sources = ReadonlyArray<readonly [path: string, text: string]>

/** Sources that break a rule once each. */
const planted: Readonly<Record<keyof typeof rules, Sources>> = {
  "sources import along the arrows": [
    ["packages/domain/src/Planted.ts", 'import { readFileSync } from "node:fs"'],
    ["packages/domain/src/Planted.ts", 'import type { PgClient } from "@effect/sql-pg/PgClient"'],
    [
      "packages/domain/src/Planted.ts",
      'export type Planted = import("@btc-price/adapters/settings/Settings").Settings',
    ],
    [
      "packages/domain/src/Planted.ts",
      'import { layer } from "../../adapters/src/postgres/PostgresClient.ts"',
    ],
    ["packages/domain/src/Planted.ts", 'import * as Planted from "../test/Planted.ts"'],
    ["packages/adapters/src/Planted.ts", 'import * as Worker from "@btc-price/worker/Worker"'],
    ["packages/adapters/src/Planted.ts", 'export { Api } from "@btc-price/http/api/Api"'],
    ["packages/adapters/src/Planted.ts", 'import express from "express"'],
    ["packages/adapters/src/Planted.ts", 'import "../bench/year.ts"'],
    ["packages/adapters/src/Planted.ts", "export const load = (name: string) => import(name)"],
    ["packages/worker/src/Planted.ts", 'import * as Settings from "@btc-price/adapters/settings/Settings"'],
    ["packages/worker/src/Planted.ts", 'import { createServer } from "node:http"'],
    ["packages/worker/src/main.ts", 'import * as Vendors from "@btc-price/adapters/Vendors"'],
    ["packages/worker/src/WorkerProgram.ts", 'import * as ApiServer from "@btc-price/http/ApiServer"'],
    [
      "packages/http/src/ApiProgram.ts",
      'import * as MemoryQuotas from "@btc-price/adapters/memory/MemoryQuotas"',
    ],
    ["packages/http/src/embedded.ts", 'import * as Redis from "@btc-price/adapters/redis/RedisQuotas"'],
    ["packages/http/src/embedded/Planted.ts", 'import * as Vendors from "@btc-price/adapters/Vendors"'],
    ["packages/http/src/Planted.ts", 'import * as Settings from "@btc-price/adapters/settings/Settings"'],
    ["packages/http/src/Planted.ts", 'export * from "@btc-price/worker/Worker"'],
    ["packages/http/src/Planted.ts", 'import "../bin/openapi.ts"'],
    ["packages/http/src/ProductionApi.ts", 'const worker = import("@btc-price/worker/Worker")'],
    ["packages/http/src/api/Planted.ts", 'import * as JsonBody from "../server/JsonBody.ts"'],
    ["packages/http/src/api/Planted.ts", 'import * as ApiServer from "@btc-price/http/ApiServer"'],
    ["packages/http/src/api/Planted.ts", 'import * as Http from "@effect/platform-node/NodeHttpServer"'],
    ["packages/planted/src/Planted.ts", 'import * as Effect from "effect/Effect"'],
  ],
  "folders do not know one another": [
    ["packages/adapters/src/coingecko/Planted.ts", 'import { open } from "../postgres/PostgresClient.ts"'],
    [
      "packages/adapters/src/postgres/Planted.ts",
      'import { http } from "@btc-price/adapters/settings/Settings"',
    ],
    ["packages/adapters/src/postgres/credentials/Planted.ts", 'import "../../embedded/EmbeddedPostgres.ts"'],
    ["packages/adapters/src/vendor/Planted.ts", 'import * as Client from "../coingecko/CoinGeckoClient.ts"'],
    ["packages/adapters/src/memory/Planted.ts", 'import type * as Folder from "../embedded/Folder.ts"'],
    ["packages/adapters/src/redis/Planted.ts", 'import * as Vendors from "../Vendors.ts"'],
    ["packages/adapters/src/Planted.ts", 'import * as ExactJson from "./coingecko/CoinGeckoClient.ts"'],
    ["packages/http/src/history/Planted.ts", 'import * as PricesAt from "../prices/PricesAt.ts"'],
    [
      "packages/http/src/server/Planted.ts",
      'import type { Envelope } from "@btc-price/http/sign-in/Envelope"',
    ],
    ["packages/http/src/gaps/Planted.ts", 'import * as ApiServer from "../ApiServer.ts"'],
    ["packages/worker/src/command-line/Planted.ts", 'import * as Verify from "../commands/Verify.ts"'],
  ],
  "the package.json lists what sources import": [
    ["packages/domain/src/Planted.ts", 'import * as NodeRuntime from "@effect/platform-node/NodeRuntime"'],
    ["packages/adapters/src/Planted.ts", 'import { parse } from "yaml"'],
    ["packages/worker/src/Planted.ts", 'type Planted = import("@effect/sql-pg/PgClient").PgClient'],
  ],
  "sources import other packages by name": [
    ["packages/adapters/src/Planted.ts", 'import { Slot } from "../../domain/src/Slot.ts"'],
    ["packages/http/src/api/Planted.ts", 'import type { Gap } from "../../../domain/src/Gap.ts"'],
  ],
  "imports name modules, not barrels": [
    ["packages/http/test/Planted.test.ts", 'import { Effect } from "effect"'],
    ["packages/worker/src/Planted.ts", 'import type { NodeRuntime } from "@effect/platform-node"'],
    ["packages/adapters/bench/planted.ts", 'const { PgClient } = await import("@effect/sql-pg")'],
  ],
  "relative imports end in .ts, and Node's modules begin with node:": [
    ["packages/domain/src/Planted.ts", 'import * as Slot from "./Slot"'],
    ["packages/domain/test/Planted.test.ts", 'import type { Slot } from "../src/Slot.js"'],
    ["packages/domain/bin/planted.ts", 'import "."'],
    ["packages/domain/test/Planted.test.ts", 'import { readFileSync } from "fs"'],
  ],
  "files are named after the one noun in them": [
    ["packages/domain/src/index.ts", ""],
    ["packages/adapters/src/Utils.ts", ""],
    ["packages/http/test/helpers/Server.ts", ""],
    ["packages/worker/test/types.test.ts", ""],
    ["packages/http/bin/common.ts", ""],
  ],
  "sources export things of their own, by name": [
    ["packages/domain/src/Planted.ts", "export default 1"],
    ["packages/domain/src/Planted.ts", "const planted = 1; export { planted as default }"],
    ["packages/domain/src/Planted.ts", "export = 1"],
    ["packages/domain/src/Planted.ts", 'export * from "./Slot.ts"'],
    ["packages/domain/src/Planted.ts", 'export type { Slot } from "./Slot.ts"'],
  ],
  "sources use Effect for waiting, failures, time, settings, logs and HTTP": [
    ["packages/domain/src/Planted.ts", "export const planted = async () => {}"],
    ["packages/domain/src/Planted.ts", "export class Planted { async planted() {} }"],
    ["packages/domain/src/Planted.ts", "await planted()"],
    ["packages/domain/src/Planted.ts", "for await (const one of planted) one()"],
    ["packages/domain/src/Planted.ts", "await using planted = open()"],
    ["packages/domain/src/Planted.ts", "try { planted() } finally { close() }"],
    ["packages/domain/src/Planted.ts", "export const planted = new Date(0)"],
    ["packages/domain/src/Planted.ts", "export const planted = Date()"],
    ["packages/domain/src/Planted.ts", "export const planted = globalThis.Date.now()"],
    ["packages/domain/src/Planted.ts", "export const planted = process.env.HOME"],
    ["packages/domain/src/Planted.ts", 'export const { HOME } = globalThis["process"]["env"]'],
    ["packages/adapters/src/Planted.ts", 'import { env as planted } from "node:process"'],
    ["packages/domain/src/Planted.ts", 'console.log("planted")'],
    ["packages/domain/src/Planted.ts", "export const planted = [1].map(console.log)"],
    ["packages/domain/src/Planted.ts", 'export const planted = fetch("https://example.org")'],
  ],
}

/** Sources that keep every rule, close to where one is broken. */
const right: Sources = [
  [
    "packages/domain/src/Right.ts",
    'import * as Slot from "./Slot.ts"; const right = Slot.next; export { right }',
  ],
  [
    "packages/domain/src/Right.ts",
    "export const right = Effect.try({ try: planted, catch: (cause) => cause })",
  ],
  [
    "packages/domain/src/Right.ts",
    "export const right = (date: Date) => [date.getTime(), latch.await, keys.fetch()]",
  ],
  [
    "packages/domain/src/Right.ts",
    '/** import "node:fs" */ export const right = \'import "node:fs"; new Date()\'',
  ],
  [
    "packages/domain/test/Right.test.ts",
    'import * as Adapter from "@btc-price/adapters/memory/MemoryPriceSource"',
  ],
  ["packages/adapters/src/postgres/credentials/Right.ts", 'import { open } from "../PostgresClient.ts"'],
  ["packages/adapters/src/cnb/Right.ts", 'import * as VendorClient from "../vendor/VendorClient.ts"'],
  ["packages/http/src/gaps/Right.ts", 'import * as FieldError from "../server/FieldError.ts"'],
  ["packages/worker/src/commands/Right.ts", 'import * as Report from "../command-line/Report.ts"'],
  ["packages/adapters/bin/right.ts", "export default await fetch(process.env.URL)"],
  ["packages/http/src/embedded/EmbeddedProgram.ts", 'import * as Worker from "@btc-price/worker/Worker"'],
]

const files = globSync("packages/*/{src,bin,bench,test}/**/*.{ts,mjs}", { cwd: root }).map((path) =>
  SourceFile.parse(path.replaceAll("\\", "/"), readFileSync(new URL(path, root), "utf8")),
)

/** What is wrong with `file`, to be read in a failed test. */
const breaches = (rule: keyof typeof rules, file: SourceFile.SourceFile): ReadonlyArray<string> =>
  rules[rule](file).map((sentence) => `${file.path}: ${sentence}`)

const assertNone = (found: ReadonlyArray<string>) => assert.isEmpty(found, `\n${found.join("\n")}\n`)

describe("Architecture", () => {
  describe.each(Struct.keys(rules))("%s", (rule) => {
    it("holds", () => assertNone(files.flatMap((file) => breaches(rule, file))))

    it.each(planted[rule])("is seen broken in %s by %s", (path, text) => {
      assert.lengthOf(breaches(rule, SourceFile.parse(path, text)), 1)
    })
  })

  it.each(right)("holds in %s with %s", (path, text) => {
    const file = SourceFile.parse(path, text)
    assertNone(Struct.keys(rules).flatMap((rule) => breaches(rule, file)))
  })

  it("reads all the code that is on the disk", () => {
    const code = readdirSync(new URL("packages", root), { recursive: true, encoding: "utf8" })
      .map((path) => `packages/${path.replaceAll("\\", "/")}`)
      .filter((path) => /^packages\/[^/]+\/(?:src|bin|bench|test)\/.*\.[cm]?[jt]sx?$/.test(path))
    assert.isNotEmpty(code)
    assert.sameMembers(
      files.map(({ path }) => path),
      code,
    )
  })

  it("reads every form of import", () => {
    const { imports } = SourceFile.parse(
      "packages/domain/src/Planted.ts",
      `
        import "a"
        import b from "b"
        import type { C } from "c"
        import { type D } from "d"
        import E = require("e")
        export * from "f"
        export type { G } from "g"
        const h = () => import("h")
        type I = import("i").I
        type J = typeof import("j")
      `,
    )
    assert.sameMembers([...imports], ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
  })

  it("makes no exception that nothing needs", () => {
    const used = files.flatMap((file) =>
      file.imports.map((name) => `${folderOf(file.path)}: ${folderOf(target(file, name))}`),
    )
    assert.includeMembers(
      used,
      Object.entries(borrowed).map(([folder, other]) => `${folder}: ${other}`),
    )
  })
})
