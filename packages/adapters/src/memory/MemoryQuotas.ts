/** Quotas in the memory of one process, with a limit on how many keys it remembers. */
import { Quotas, type Quota } from "@btc-price/domain/access/Quotas"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

interface Window {
  readonly uses: number
  readonly endsAtMillis: number
}

/** Maximum keys per quota, about 2 MB. */
const keyLimit = 20_000

export const layer: Layer.Layer<Quotas> = Layer.sync(Quotas, () => {
  const windows = new Map<string, Windows>()

  /** Each quota has its own windows, so that a flood of keys in one quota evicts no keys of another. */
  const windowsOf = ({ name }: Quota): Windows => windows.getOrInsertComputed(name, makeWindows)

  const use = (quota: Quota, key: string, uses: number) =>
    Effect.map(Clock.currentTimeMillis, (nowMillis) => {
      const found = windowsOf(quota).get(key)
      const running = found !== undefined && found.endsAtMillis > nowMillis ? found : undefined
      const window = running ?? { uses: 0, endsAtMillis: nowMillis + quota.windowSeconds * 1_000 }
      const isGranted = window.uses + uses <= quota.limit
      const used = isGranted ? window.uses + uses : window.uses
      if (isGranted && uses > 0) windowsOf(quota).set(key, { ...window, uses: used }, nowMillis)
      return {
        isGranted,
        remaining: Math.max(0, quota.limit - used),
        resetSeconds: Math.ceil((window.endsAtMillis - nowMillis) / 1_000),
      }
    })

  return Quotas.of({
    consume: (quota, key, uses = 1) => use(quota, key, uses),
    peek: (quota, key) => use(quota, key, 0),
    reset: (quota, key) => Effect.sync(() => windowsOf(quota).delete(key)),
  })
})

type Windows = ReturnType<typeof makeWindows>

/**
 * The windows of one quota. At the limit, ended windows are evicted first, and then those with the fewest uses: a flood
 * of keys that are used once must not make a key forgotten that is used up.
 */
const makeWindows = () => {
  const all = new Map<string, Window>()
  /** The keys with up to 1, 3, 7 … uses. A key that is used moves to the end. */
  const levels: Array<Set<string>> = []

  const remove = (key: string): void => {
    const window = all.get(key)
    if (window === undefined) return
    all.delete(key)
    levels[levelOf(window)]?.delete(key)
  }

  const evict = (nowMillis: number): void => {
    const oldest = levels.flatMap((level) => [...level.values().take(1)])
    const ended = oldest.find((key) => (all.get(key)?.endsAtMillis ?? 0) <= nowMillis)
    const evicted = ended ?? oldest[0]
    if (evicted !== undefined) remove(evicted)
  }

  return {
    get: (key: string) => all.get(key),
    delete: remove,
    set: (key: string, window: Window, nowMillis: number) => {
      remove(key)
      if (all.size >= keyLimit) evict(nowMillis)
      all.set(key, window)
      const level = levelOf(window)
      while (levels.length <= level) levels.push(new Set())
      levels[level]?.add(key)
    },
  }
}

const levelOf = ({ uses }: Window): number => Math.floor(Math.log2(uses))
