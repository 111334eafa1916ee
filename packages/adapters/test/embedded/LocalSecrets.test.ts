import * as LocalSecrets from "@btc-price/adapters/embedded/LocalSecrets"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"

layer(NodeServices.layer)("LocalSecrets", (it) => {
  it.effect("are generated once, even by simultaneous starts, and are readable only by their owner", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const directory = `${yield* fileSystem.makeTempDirectoryScoped()}/data`
      const loaded = yield* Effect.all(
        Array.from({ length: 8 }, () => LocalSecrets.load(directory)),
        { concurrency: "unbounded" },
      )
      const passwords = new Set(loaded.map(({ database }) => Redacted.value(database)))
      assert.strictEqual(passwords.size, 1)
      assert.match([...passwords].join(), /^[\w-]{12}$/)
      assert.deepStrictEqual(yield* fileSystem.readDirectory(directory), ["passwords.json"])
      assert.strictEqual((yield* fileSystem.stat(`${directory}/passwords.json`)).mode & 0o777, 0o600)
    }),
  )

  it.effect("name a damaged file and say what to do", () =>
    Effect.gen(function* () {
      const fileSystem = yield* FileSystem.FileSystem
      const directory = yield* fileSystem.makeTempDirectoryScoped()
      for (const text of ["", "{}", '{"demoUser":"","database":"x"}']) {
        yield* fileSystem.writeFileString(`${directory}/passwords.json`, text)
        const { message } = yield* Effect.flip(LocalSecrets.load(directory))
        assert.include(message, `${directory}/passwords.json is damaged`)
      }
    }),
  )
})
