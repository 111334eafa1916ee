/** The URL of a database, as its text in a setting. */

/**
 * What is wrong with `text`, as the words that follow the name of its setting; undefined if nothing is. Shows no part
 * of the text except its scheme, because any other part may belong to a password.
 */
export const faultOf = (
  text: string,
  { schemes, needsDatabase }: { readonly schemes: ReadonlyArray<string>; readonly needsDatabase: boolean },
): string | undefined => {
  if (!isEncoded(text)) {
    return "has a user or password with a character that must be percent-encoded: write %25 for %, %2F for /, %3F for ?, %23 for #, %40 for @"
  }
  const url = URL.parse(text)
  if (url === null) return "is not a URL"
  const scheme = url.protocol.slice(0, -1)
  if (!schemes.includes(scheme)) return `begins with ${scheme}:`
  if (url.hostname === "") return "names no host"
  return needsDatabase && url.pathname.length < 2 ? "names no database" : undefined
}

/** Whether everything before the last `@` can belong to the user and the password. */
const isEncoded = (text: string): boolean => {
  const [, userAndPassword = ""] = /^[^:/]*:\/\/(.*)@/s.exec(text) ?? []
  return !/[/?#\s]|%(?![0-9A-F]{2})/i.test(userAndPassword)
}
