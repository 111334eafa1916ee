/** The code that the README shows is the code that runs. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const root = new URL("../../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")
const readme = read("README.md")

describe("README", () => {
  it("shows the example exactly as it is tested", () =>
    assert.include(readme, `\`\`\`ts\n${read("packages/domain/test/Example.test.ts")}\`\`\``))
})
