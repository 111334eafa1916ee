/** Quotas in the memory of one process, with a limit on how many keys it remembers. */
import { Quotas, type Quota } from "@btc-price/domain/access/Quotas"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LRUCache } from "lru-cache"

interface Window {
  uses: number
  readonly endsAtMillis: number
}

/** Maximum keys per quota, about 2 MB. The least recently used keys are evicted first. */
const keyLimit = 20_000

export const layer: Layer.Layer<Quotas> = Layer.sync(Quotas, () => {
  const windows = new Map<string, LRUCache<string, Window>>()

  /** Each quota has its own cache, so that a flood of keys in one quota evicts no keys of another. */
  const windowsOf = ({ name }: Quota): LRUCache<string, Window> =>
    windows.getOrInsertComputed(
      name,
      // Unlike `max`, `maxSize` reserves no memory before it is used.
      () => new LRUCache<string, Window>({ maxSize: keyLimit, sizeCalculation: () => 1 }),
    )

  const use = (quota: Quota, key: string, uses: 0 | 1) =>
    Effect.map(Clock.currentTimeMillis, (nowMillis) => {
      const found = windowsOf(quota).get(key)
      const running = found !== undefined && found.endsAtMillis > nowMillis ? found : undefined
      const window = running ?? { uses: 0, endsAtMillis: nowMillis + quota.windowSeconds * 1_000 }
      const isGranted = window.uses + uses <= quota.limit
      if (isGranted && uses > 0) {
        window.uses += uses
        windowsOf(quota).set(key, window)
      }
      return {
        isGranted,
        remaining: Math.max(0, quota.limit - window.uses),
        resetSeconds: Math.ceil((window.endsAtMillis - nowMillis) / 1_000),
      }
    })

  return Quotas.of({
    consume: (quota, key) => use(quota, key, 1),
    peek: (quota, key) => use(quota, key, 0),
    reset: (quota, key) => Effect.sync(() => void windowsOf(quota).delete(key)),
  })
})
