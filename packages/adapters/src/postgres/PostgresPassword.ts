/** Passwords as PostgreSQL's own clients send them: prepared by SASLprep (RFC 4013), as SCRAM requires. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

type Password = Redacted.Redacted | Effect.Effect<Redacted.Redacted>

/** The driver sends the bytes that it gets, so a decomposed `é`, or a space that does not break, would be refused. */
export const prepare = (password: Password): Password => {
  if (Effect.isEffect(password)) return Effect.flatMap(password, prepareOne)
  return isAscii(password) ? password : prepareOne(password)
}

/** As in PostgreSQL, a password that SASLprep does not allow stays as it is. */
const prepareOne = Effect.fnUntraced(function* (password: Redacted.Redacted) {
  if (isAscii(password)) return password
  const { saslprep } = yield* loadSaslprep
  const written = Redacted.value(password)
  return Redacted.make(
    Result.getOrElse(
      Result.try(() => saslprep(written)),
      () => written,
    ),
  )
})

/** SASLprep changes no ASCII character. */
const isAscii = (password: Redacted.Redacted): boolean => /^\p{ASCII}*$/u.test(Redacted.value(password))

/** Imported only when it is needed, because its tables take time and memory. */
const loadSaslprep = Effect.promise(() => import("@mongodb-js/saslprep"))
