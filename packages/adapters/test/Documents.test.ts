/** What the documents show is what runs, and what they link to exists. */
import * as Vendors from "@btc-price/adapters/Vendors"
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"

const root = new URL("../../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync(new URL("docs", root)).map((name) => `docs/${name}`),
]

/** The files that a document links to, and that do not exist. */
const brokenLinks = (path: string, text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/\]\((?!https?:)([^)#]+)/g), ([, link = ""]) => link).filter(
    (link) => !existsSync(new URL(link, new URL(path, root))),
  )

describe("documents", () => {
  it.each([
    ["README.md", "packages/http/test/Example.test.ts"],
    ["CONTRIBUTING.md", "packages/domain/test/Example.test.ts"],
    ["CONTRIBUTING.md", "packages/http/test/SocketExample.test.ts"],
  ])("%s shows %s exactly as it is tested", (document, example) =>
    assert.include(read(document), `\`\`\`ts\n${read(example)}\`\`\``),
  )

  it.each(documents)("%s links to files that exist", (path) =>
    assert.deepStrictEqual(brokenLinks(path, read(path)), []),
  )

  it("a broken link is found", () =>
    assert.deepStrictEqual(brokenLinks("docs/api.md", "[a](../README.md) [b](README.md#run)"), ["README.md"]))

  it("the README credits every vendor of prices", () =>
    [...Vendors.sources, ...Vendors.histories].forEach(({ label }) =>
      assert.include(read("README.md"), `[${label}](`, `Link ${label} under "Data" in README.md`),
    ))
})
