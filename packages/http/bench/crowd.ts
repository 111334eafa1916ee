/**
 * Thousands of slow clients that attack the address in the argument. Sends the names of the attacks. Answers the name
 * of an attack with how long each connection lasted, in milliseconds.
 */
import { connect } from "node:net"
import process from "node:process"

const connections = 2_000

/** New connections per second. */
const rate = 500

/** Each client sends a few bytes at this interval. */
const dripMillis = 1_000

interface Attack {
  readonly first: string
  /** Sent repeatedly. */
  readonly more: string
}

const ranges = Array.from({ length: 1_000 }, (_, index) => `5-${index}`).join(",")

/** The attacks of slowhttptest with -H, -B and -R. */
const attacks: Readonly<Record<string, Attack>> = {
  "slow headers": { first: "GET / HTTP/1.1\r\nHost: x\r\n", more: "X: y\r\n" },
  "slow bodies": {
    first:
      "POST /get_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n",
    more: " ",
  },
  "a thousand ranges": {
    first: `GET /openapi.json HTTP/1.1\r\nHost: x\r\nRange: bytes=0-,${ranges}\r\n\r\n`,
    more: "",
  },
}

const { port } = new URL(process.argv[2] ?? "")

const connectAfter = (millis: number, localAddress: string, { first, more }: Attack) =>
  new Promise<number>((resolve) => {
    setTimeout(() => {
      let start = Number.NaN
      const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress }, () => {
        start = performance.now()
        socket.write(first)
      })
      const timer = setInterval(() => more !== "" && socket.write(more), dripMillis)
      socket.resume()
      socket.on("error", () => {})
      socket.on("close", () => {
        clearInterval(timer)
        resolve(performance.now() - start)
      })
    }, millis)
  })

process.on("message", (name) => {
  const attack = attacks[String(name)]
  if (attack === undefined) throw new Error(`Unknown attack: ${name}`)
  const callers = Array.from({ length: connections }, (_, index) =>
    // From many addresses, so that time ends the connections and not the share of an address.
    connectAfter((index * 1_000) / rate, `127.0.1.${(index % 20) + 1}`, attack),
  )
  void Promise.all(callers).then((durations) => process.send?.(durations))
})
process.send?.(Object.keys(attacks))
